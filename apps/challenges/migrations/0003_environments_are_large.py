from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('challenges', '0002_other_contracts'),
    ]

    operations = [
        # Most environments are small and a few are not, and a plan that was made for the average one, or before ANALYZE
        # saw a young one grow, took "of this environment" for about one row: as good as any unique key, it thought,
        # and read the whole environment. This says that each may hold a hundredth of the table.
        migrations.RunSQL(
            [
                "ALTER TABLE challenges_challenge ALTER COLUMN environment_id SET (n_distinct = 100)",
                "ALTER TABLE challenges_failurecount ALTER COLUMN environment_id SET (n_distinct = 100)",
            ],
            [
                "ALTER TABLE challenges_challenge ALTER COLUMN environment_id RESET (n_distinct)",
                "ALTER TABLE challenges_failurecount ALTER COLUMN environment_id RESET (n_distinct)",
            ],
        ),
    ]
