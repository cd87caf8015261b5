"""The URLs of the pages for staff that belong to no model."""

from django.contrib import admin
from django.urls import path

from orders.admin.board import board_page

urlpatterns = [path("board/", admin.site.admin_view(board_page), name="day_board")]
