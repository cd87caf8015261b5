"""How many webhooks a second the CRM takes, and what each costs: `make bench`. How to read it: README.md here."""
