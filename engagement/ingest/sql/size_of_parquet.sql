-- One row: how many rows a Parquet file says it has, and how many bytes its columns are unpacked.
with row_groups as (

    select
        row_group_id,
        any_value(row_group_num_rows) as rows,
        sum(total_uncompressed_size) as unpacked
    from parquet_metadata($file)
    group by row_group_id

),

final as (

    select
        coalesce(sum(rows), 0)::double as rows,
        coalesce(sum(unpacked), 0)::double as unpacked
    from row_groups

)

select * from final;
