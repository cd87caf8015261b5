"""The URLs of signing in and of the user's own sign-in."""

from django.urls import path

from cvety_crm.sign_in import account_views as account
from cvety_crm.sign_in.password_views import forgotten_password, new_password
from cvety_crm.sign_in.set_up_view import set_up
from cvety_crm.sign_in.views import code_page, sign_in

urlpatterns = [
    path("login/", sign_in, name="sign_in"),
    path("login/code/", code_page, name="sign_in_code"),
    path("login/password/", forgotten_password, name="forgotten_password"),
    path("login/password/<uidb64>/<token>/", new_password, name="new_password"),
    path("account/", account.account_page, name="account"),
    path("account/second-factor/", set_up, name="second_factor_set_up"),
    path("account/second-factor/off/", account.turn_off, name="second_factor_off"),
    path("account/second-factor/codes/", account.new_codes, name="recovery_codes"),
    path("account/sign-out/", account.sign_out_device, name="sign_out_device"),
    path("account/sign-out-everywhere/", account.sign_out_everywhere, name="sign_out_everywhere"),
]
