-- One row per record that was refused, by a rule or because it is no row, with its place and every reason.
insert into quarantine
with refused as (

    select record, reasons from temp.checked
    where len(reasons) > 0

    union all

    select record, reasons from temp.rejected

),

final as (

    select
        $load_id as load_id,
        places.line,
        places.raw,
        refused.reasons
    from refused
    inner join temp.places on refused.record = places.record

)

select * from final;
