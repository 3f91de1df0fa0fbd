-- One row per enrolment of $ids with a nudge or a call: whether a draft waits, and when it was last contacted.
with shown as (

    select unnest($ids::text[]) as learner_id

),

contacts as (

    select
        nudges.learner_id,
        nudges.status = 'draft' as is_draft,
        case
            when nudges.status not in ('approved', 'queued', 'sent', 'delivered') then null
            when nudges.sent_at <= $now then nudges.sent_at
            else nudges.approved_at
        end as contacted_at
    from shown
    inner join published_nudges as nudges on shown.learner_id = nudges.learner_id

    union all

    select
        events.learner_id,
        false as is_draft,
        events.timestamp as contacted_at
    from shown
    inner join events on shown.learner_id = events.learner_id
    where events.type = 'phone_call'

),

final as (

    select
        learner_id,
        bool_or(is_draft) as draft,
        max(contacted_at) filter (where contacted_at <= $now) as last_contact_at
    from contacts
    group by learner_id

)

select * from final;
