"""The adoption of the database of the shop's earlier CRM, in the database in which the earlier CRM has stored it.

The earlier CRM has tables with the names that the CRM needs, such as `orders`. They are moved to the schema
`earlier_crm`, unchanged, where only the owner of the database can read them. Then `migrate` creates the CRM's own
tables, and their rows are copied from the earlier ones with their UUIDs. A value that has no column in the CRM, or
that the CRM stores in a different form, is also stored in the new row as it was. So nothing is lost, and each earlier
table can be compared with the new one.

Each step is one transaction, and the table `earlier_crm.adopted_tables` names the steps that are complete. So an
interrupted adoption continues with the step that was interrupted. `settings.ADOPTION_STEPS` names the steps.
"""
