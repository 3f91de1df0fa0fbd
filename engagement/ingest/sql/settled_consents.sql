-- One row per learner whose consents are not simply those of their accepted row: what is theirs from now on.
create or replace temp table settled_consents as
with accepted as (

    select
        id,
        person_id,
        contact_opt_out,
        llm_opt_out,
        whatsapp_opt_in,
        active
    from temp.checked
    where reasons is null and id not in (select later.id from temp.known_later as later)

),

persons as (

    select
        id,
        person_id
    from accepted

    union

    select
        id,
        person_id
    from learners

),

words as (

    select
        id,
        contact_opt_out,
        llm_opt_out,
        inactive,
        no_whatsapp,
        held_by
    from temp.refused_consents

    union all

    -- of an enrolment that was known by refused rows only; what it says itself, and later, counts
    select
        accepted.id,
        ahead.contact_opt_out
        and not coalesce(not accepted.contact_opt_out and ahead.observed_at < $observed_at, false) as contact_opt_out,
        ahead.llm_opt_out
        and not coalesce(not accepted.llm_opt_out and ahead.observed_at < $observed_at, false) as llm_opt_out,
        ahead.inactive
        and not coalesce(accepted.active and ahead.observed_at < $observed_at, false) as inactive,
        false as no_whatsapp,
        list_filter(
            ahead.held_by, lambda name: not (ahead.observed_at < $observed_at and list_contains($here, name))
        ) as held_by
    from accepted
    inner join consents_ahead as ahead on accepted.id = ahead.learner_id

    union all

    -- consents are the person's: of all their enrolments
    select
        persons.id,
        ahead.contact_opt_out,
        ahead.llm_opt_out,
        false as inactive,
        false as no_whatsapp,
        list_filter(ahead.held_by, lambda name: name <> 'active') as held_by
    from persons
    inner join consents_ahead as ahead
        on persons.person_id = ahead.person_id and persons.id <> ahead.learner_id

),

said as (

    select
        id,
        bool_or(contact_opt_out) as contact_opt_out,
        bool_or(llm_opt_out) as llm_opt_out,
        bool_or(inactive) as inactive,
        bool_or(no_whatsapp) as no_whatsapp,
        flatten(list(held_by)) as held_by
    from words
    group by id

),

affected as (

    select id
    from said

    union

    select id
    from learners
    where
        (held_by is not null or consents_at > $observed_at)
        and id in (select accepted.id from accepted)

),

-- what the enrolment said itself, apart from what it is held back by
before as (

    select
        affected.id,
        accepted.id is not null as is_accepted,
        coalesce(known.consents_at > $observed_at, false) as is_late,
        coalesce(known.held_by, []) as held_by,
        coalesce(known.contact_opt_out, false)
        and not list_has_any(coalesce(known.held_by, []), ['contact_opt_out', 'active']) as contact_opt_out,
        coalesce(known.llm_opt_out, false)
        and not list_contains(coalesce(known.held_by, []), 'llm_opt_out') as llm_opt_out,
        coalesce(known.whatsapp_opt_in, false) as whatsapp_opt_in,
        coalesce(known.active, true) as active,
        accepted.contact_opt_out as now_contact_opt_out,
        accepted.llm_opt_out as now_llm_opt_out,
        accepted.whatsapp_opt_in as now_whatsapp_opt_in,
        accepted.active as now_active,
        known.id is not null as is_known
    from affected
    left join accepted on affected.id = accepted.id
    left join learners as known on affected.id = known.id
    where accepted.id is not null or known.id is not null

),

own as (

    select
        before.id,
        before.is_accepted,
        coalesce(said.contact_opt_out, false)
        or coalesce(now_contact_opt_out, before.contact_opt_out)
        or (is_late and before.contact_opt_out) as contact_opt_out,
        coalesce(said.llm_opt_out, false)
        or coalesce(now_llm_opt_out, before.llm_opt_out)
        or (is_late and before.llm_opt_out) as llm_opt_out,
        not coalesce(said.no_whatsapp, false)
        and case
            when is_accepted and list_contains($here, 'whatsapp_opt_in')
                then coalesce(now_whatsapp_opt_in, false) and (before.whatsapp_opt_in or not is_late)
            else before.whatsapp_opt_in
        end as whatsapp_opt_in,
        not coalesce(said.inactive, false)
        and coalesce(now_active, before.active)
        and (before.active or not is_late) as active,
        list_distinct(
            list_concat(
                coalesce(said.held_by, []),
                list_filter(
                    before.held_by, lambda name: is_late or not is_accepted or not list_contains($here, name)
                )
            )
        ) as held_by
    from before
    left join said on before.id = said.id

),

final as (

    select
        id,
        is_accepted,
        contact_opt_out or list_has_any(held_by, ['contact_opt_out', 'active']) as contact_opt_out,
        llm_opt_out or list_contains(held_by, 'llm_opt_out') as llm_opt_out,
        whatsapp_opt_in,
        active,
        nullif(
            list_sort(
                list_filter(
                    held_by,
                    lambda name: case when name = 'llm_opt_out' then not llm_opt_out else not contact_opt_out end
                )
            ),
            []
        ) as held_by
    from own

)

select * from final;
