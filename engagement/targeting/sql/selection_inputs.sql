-- One row per learner (or the one asked about): what the rules of selection ask at $as_of; scores in `scores_now`.
create or replace temp table selection_inputs as
with known as (

    select *
    from facts_at($known_at)
    where $learner_id is null or learner_id = $learner_id

),

earlier_runs as (

    select day, arg_max(as_of, published_at) as as_of
    from runs
    where pipeline = $pipeline and published_at is not null and day < $day
    group by day
    order by day desc
    limit 3

),

labels_then as (

    select
        earlier_runs.day,
        score_words.learner_id,
        arg_max(score_words.risk_label, score_words.as_of) as risk_label
    from score_words
    inner join earlier_runs on score_words.as_of <= earlier_runs.as_of
    where $learner_id is null or score_words.learner_id = $learner_id
    group by earlier_runs.day, score_words.learner_id

),

high_before as (

    select learner_id, count(*) as runs_high
    from labels_then
    where risk_label = 'high'
    group by learner_id

),

whom as (

    select distinct person_id
    from learners
    where $learner_id is null or id = $learner_id

),

visible_nudges as (

    select
        -- who the enrolment belongs to may have been set right since
        published_nudges.* replace (learners.person_id as person_id),
        -- what was sent after $as_of was only approved then
        case when sent_at <= $as_of then sent_at else approved_at end as contacted_at
    from published_nudges
    inner join learners on published_nudges.learner_id = learners.id
    -- a draft of tonight's run is for the end of the day, and there from the morning on
    where
        (published_nudges.as_of <= $as_of or published_nudges.created_at <= $as_of)
        and learners.person_id in (select whom.person_id from whom)

),

-- Whoever was phoned has been contacted, whichever of their enrolments it was about.
contacts as (

    select
        person_id,
        contacted_at
    from visible_nudges
    where contacted_at <= $as_of and status in ('approved', 'queued', 'sent', 'delivered')

    union all

    select
        learners.person_id,
        events.timestamp as contacted_at
    from events
    inner join learners on events.learner_id = learners.id
    where
        events.type = 'phone_call' and events.timestamp <= $as_of
        and learners.person_id in (select whom.person_id from whom)

),

contacts_of_person as (

    select
        person_id,
        min(epoch($as_of - contacted_at) / 3600) as hours_since_contact,
        count(*) filter (where contacted_at > $as_of - interval 7 days) as contacts_in_7_days
    from contacts
    group by person_id

),

sent as (

    select
        visible_nudges.learner_id,
        count(*) filter (where sent_at > coalesce(known.last_login, timestamp '1970-01-01')) as nudges_without_return,
        arg_max(risk_label, sent_at) as label_at_last_nudge
    from visible_nudges
    left join known on visible_nudges.learner_id = known.learner_id
    where visible_nudges.sent_at <= $as_of and visible_nudges.status in ('sent', 'delivered')
    group by visible_nudges.learner_id

),

-- Enrolments that nobody welcomes again: a draft that nobody looked at, or that never arrived, was none.
welcomed as (

    select distinct learner_id
    from visible_nudges
    where type = 'welcome' and status in ('approved', 'rejected', 'queued', 'sent', 'delivered')

),

drafts_of_person as (

    select
        person_id,
        count(*) as open_drafts
    from visible_nudges
    where
        -- what was approved after $as_of was still a draft then
        (status = 'draft' or contacted_at > $as_of)
        and as_of > $as_of - to_hours($draft_hours)
        -- what this run writes anew
        and not (
            $rewrites
            and campaign = $pipeline
            and period = strftime($day::date, '%Y-%m-%d')
            and is_untouched_template(gpt_fallback, reason, status, version)
        )
    group by person_id

),

controls as (

    select distinct person_id
    from published_assignments
    where arm = 'control' and assigned_at <= $as_of and ends_at > $as_of

),

final as (

    select
        learners.id as learner_id,
        learners.person_id,
        contact_refusals.in_app,
        contact_refusals.whatsapp,
        contact_refusals.email,
        learners.preferred_channel,
        scores_now.risk_score,
        scores_now.risk_label,
        scores_now.behind_pace,
        scores_now.low_quiz,
        scores_now.missed_session,
        scores_now.inactivity,
        -- asked for a welcome alone
        case when welcomed.learner_id is null then epoch($as_of - learners.enrolled_at) / 86400 end::double
            as days_since_enrolled,
        known.learner_id is not null and known.last_login is null as never_logged_in,
        coalesce(high_before.runs_high, 0)::integer as runs_high,
        coalesce(sent.nudges_without_return, 0)::integer as nudges_without_return,
        sent.label_at_last_nudge,
        coalesce(drafts_of_person.open_drafts, 0)::integer as open_drafts,
        contacts_of_person.hours_since_contact::double as hours_since_contact,
        coalesce(contacts_of_person.contacts_in_7_days, 0)::integer as contacts_in_7_days,
        controls.person_id is not null as held_out,
        known.avg_quiz_score,
        learners.topic,
        learners.program,
        learners.locale
    from learners
    inner join contact_refusals on learners.id = contact_refusals.learner_id
    left join temp.scores_now on learners.id = scores_now.learner_id
    left join known on learners.id = known.learner_id
    left join high_before on learners.id = high_before.learner_id
    left join sent on learners.id = sent.learner_id
    left join welcomed on learners.id = welcomed.learner_id
    left join contacts_of_person on learners.person_id = contacts_of_person.person_id
    left join drafts_of_person on learners.person_id = drafts_of_person.person_id
    left join controls on learners.person_id = controls.person_id
    where $learner_id is null or learners.id = $learner_id

)

select * from final;
