from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('delivery', '0001_initial'),
        ('tenants', '0001_initial'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='message',
            name='message_due',
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('due_at__isnull', False), ('state', 'queued')), fields=['due_at'], name='message_due'),
        ),
        migrations.AddIndex(
            model_name='capturedmessage',
            index=models.Index(fields=['environment', 'created_at'], name='captured_by_time'),
        ),
        # Each message leaves two dead entries at the very place where CLAIM begins to read, and only VACUUM takes
        # them away. By default it comes when a fifth of the table has changed, so the larger the table, the more of
        # them CLAIM reads; and it leaves them when they are on few pages of the table.
        migrations.RunSQL(
            "ALTER TABLE delivery_message SET (autovacuum_vacuum_scale_factor = 0,"
            " autovacuum_vacuum_threshold = 50000, vacuum_index_cleanup = on)",
            "ALTER TABLE delivery_message RESET (autovacuum_vacuum_scale_factor,"
            " autovacuum_vacuum_threshold, vacuum_index_cleanup)",
        ),
        # Most environments are small and a few are not, and a plan that was made for the average one, or before ANALYZE
        # saw a young one grow, took "of this environment" for about one row: as good as any unique key, it thought,
        # and read the whole environment. This says that each may hold a hundredth of the table.
        migrations.RunSQL(
            [
                "ALTER TABLE delivery_message ALTER COLUMN environment_id SET (n_distinct = 100)",
                "ALTER TABLE delivery_capturedmessage ALTER COLUMN environment_id SET (n_distinct = 100)",
            ],
            [
                "ALTER TABLE delivery_message ALTER COLUMN environment_id RESET (n_distinct)",
                "ALTER TABLE delivery_capturedmessage ALTER COLUMN environment_id RESET (n_distinct)",
            ],
        ),
    ]
