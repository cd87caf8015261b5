"""Values such as phones, delivery slots and texts. The functions are pure, except that `staff` returns a queryset."""
