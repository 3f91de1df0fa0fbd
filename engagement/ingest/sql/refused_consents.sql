-- One row per row of the file that was not accepted and says whose it is: what it says no to, and what nobody can read.
create or replace temp table refused_consents as
with refused as (

    select
        *,
        starts_with(reasons, 'row: ') as is_mixed
    from temp.checked
    where reasons is not null and says_whose(id, reasons)

),

-- a record that is no row says of its other columns nothing that is certain
not_rows as (

    select distinct learners.id
    from fields_of_not_rows as fields
    inner join learners on fields.text = learners.id
    where fields.is_id

),

final as (

    select
        id,
        person_id,
        coalesce(contact_opt_out and not is_mixed, false) as contact_opt_out,
        coalesce(llm_opt_out and not is_mixed, false) as llm_opt_out,
        coalesce(not active and not is_mixed, false) as inactive,
        list_contains($here, 'whatsapp_opt_in') and (is_mixed or not coalesce(whatsapp_opt_in, false)) as no_whatsapp,
        list_filter(
            ['contact_opt_out', 'llm_opt_out', 'active'],
            lambda name: list_contains($here, name)
            and (is_mixed or contains(chr(10) || reasons, chr(10) || name || ': '))
        ) as held_by
    from refused

    union all

    select
        id,
        null as person_id,
        false as contact_opt_out,
        false as llm_opt_out,
        false as inactive,
        list_contains($here, 'whatsapp_opt_in') as no_whatsapp,
        list_filter(
            ['contact_opt_out', 'llm_opt_out', 'active'], lambda name: list_contains($here, name)
        ) as held_by
    from not_rows

)

select final.*
from final
left join temp.known_later as later on final.id = later.id
where later.id is null and (contact_opt_out or llm_opt_out or inactive or no_whatsapp or len(held_by) > 0);
