"""What the tables and their indexes take."""

# By table: rows, and MB of the heap (what was moved out of line included) and of each index.
SIZES = """
    SELECT c.relname, c.reltuples::bigint, round(pg_table_size(c.oid) / 1e6, 1)::float8,
           jsonb_object_agg(i.relname, round(pg_relation_size(i.oid) / 1e6, 1)),
           s.n_dead_tup, s.n_tup_upd, s.n_tup_hot_upd
      FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid
      JOIN pg_index x ON x.indrelid = c.oid JOIN pg_class i ON i.oid = x.indexrelid
     WHERE c.reltuples > 0
     GROUP BY c.oid, c.relname, c.reltuples, s.n_dead_tup, s.n_tup_upd, s.n_tup_hot_upd
    HAVING pg_table_size(c.oid) > 1000000
     ORDER BY pg_table_size(c.oid) DESC
"""
