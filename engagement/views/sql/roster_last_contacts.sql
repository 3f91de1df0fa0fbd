-- One row per nudge of, and contact with, the enrolments of $ids: what waits, and when the person was contacted.
with shown as (

    select unnest($ids::text[]) as learner_id

),

final as (

    select
        nudges.learner_id,
        nudges.status = 'draft' as is_draft,
        nudges.status in ('approved', 'queued') as is_approved,
        null as contacted_at
    from shown
    inner join published_nudges as nudges on shown.learner_id = nudges.learner_id
    where nudges.status in ('draft', 'approved', 'queued')

    union all

    select
        contacts.learner_id,
        false as is_draft,
        false as is_approved,
        contacts.contacted_at
    from shown
    inner join contacts_made as contacts on shown.learner_id = contacts.learner_id
    -- what is after $now has not happened yet
    where contacts.contacted_at <= $now

)

select * from final;
