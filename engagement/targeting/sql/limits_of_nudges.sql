-- One row per draft or approved nudge of $ids, in the order in which they may go: what holds it back at $now. Of the
-- contacts of its person those of $ids that wait with it are left out, and those known when somebody went past a limit.
with asked as (

    select
        nudges.id,
        nudges.learner_id,
        learners.person_number,
        nudges.risk_score,
        nudges.approved_at,
        nudges.overruled_at,
        refused_by_channel(nudges.channel, refusals.in_app, refusals.whatsapp, refusals.email) as refused,
        nudges.status <> 'draft'
        and coalesce(nudges.approved_at <= $now - to_days($approval_days), false) as is_old,
        nudges.status <> 'draft'
        and list_contains($at_risk::text[], nudges.risk_label)
        and coalesce(risk_scores.risk_label = 'low', false) as is_safe
    from published_nudges as nudges
    inner join learners on nudges.learner_id = learners.id
    inner join contact_refusals as refusals on nudges.learner_id = refusals.learner_id
    left join risk_scores on nudges.learner_id = risk_scores.learner_id
    where nudges.id in (select unnest($ids::text[])) and nudges.status in ('draft', 'approved', 'queued')

),

contacts as (

    select *
    from contacts_that_count
    where contacted_at is not null or nudge_id not in (select asked.id from asked)

),

contacts_of_nudge as (

    select
        asked.id,
        hours_since_contact(contacts.contacted_at, $now) as hours_since_contact,
        contacts_in_7_days(contacts.contacted_at, $now) as contacts_in_7_days
    from asked
    inner join contacts on asked.person_number = contacts.person_number
    where asked.overruled_at is null or contacts.known_at > asked.overruled_at
    group by asked.id

),

final as (

    select
        asked.*,
        contacts_of_nudge.hours_since_contact,
        coalesce(contacts_of_nudge.contacts_in_7_days, 0) as contacts_in_7_days,
        waiting.person_number is not null and coalesce(waiting.assigned_at > asked.overruled_at, true) as held_out,
        -- another draft is not in the way of this one: of two one can be approved
        0 as open_drafts
    from asked
    left join contacts_of_nudge on asked.id = contacts_of_nudge.id
    left join waiting_persons($now) as waiting on asked.person_number = waiting.person_number

)

select * from final
order by approved_at asc nulls last, round(risk_score, $rank_digits::integer) desc nulls last, id asc;
