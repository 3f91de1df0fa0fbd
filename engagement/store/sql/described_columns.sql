-- One row per column of a table or view, in order; what a view's column is says the table that it is of.
with described as (

    select
        table_name,
        column_name,
        column_index,
        data_type,
        comment,
        table_name in (select view_name from duckdb_views() where not internal) as is_of_view
    from duckdb_columns()
    where database_name = 'store' and not internal and table_name != 'schema_version'

),

of_tables as (

    select
        views.table_name,
        views.column_name,
        arg_min(
            tables.comment,
            list_position(
                [replace(views.table_name, 'published_', ''), 'learners', 'learner_facts', 'risk_scores'],
                tables.table_name
            )
        ) as comment
    from described as views
    inner join described as tables on views.column_name = tables.column_name
    where
        views.is_of_view and tables.table_name in (
            replace(views.table_name, 'published_', ''), 'learners', 'learner_facts', 'risk_scores'
        )
    group by views.table_name, views.column_name

),

final as (

    select
        described.table_name,
        described.column_name,
        described.data_type,
        coalesce(described.comment, of_tables.comment, '') as comment
    from described
    left join
        of_tables
        on described.table_name = of_tables.table_name and described.column_name = of_tables.column_name
    order by described.table_name, described.column_index

)

select * from final
