"""The actions of staff on orders, on the list and on the order's page.

An action that changes an order is a POST request, and a service makes the change.
"""
