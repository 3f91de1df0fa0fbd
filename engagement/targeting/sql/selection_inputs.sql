-- One row per learner (or the one asked about): what the rules of selection ask. Scores, in `scores_now`, and facts are
-- those of $as_of; limits, drafts and who waits by chance are looked at at $decides_at, with all that is known now.
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

contacts_of_person as (

    select
        person_number,
        hours_since_contact(contacted_at, $decides_at) as hours_since_contact,
        contacts_in_7_days(contacted_at, $decides_at) as contacts_in_7_days
    from contacts_that_count
    where $person_number is null or person_number = $person_number
    group by person_number

),

sent as (

    select
        nudges.learner_id,
        count(*) filter (
            where nudges.sent_at > coalesce(known.last_login, timestamp '1970-01-01')
        ) as nudges_without_return,
        arg_max(nudges.risk_label, nudges.sent_at) as label_at_last_nudge
    from published_nudges as nudges
    left join known on nudges.learner_id = known.learner_id
    where nudges.status in ('sent', 'delivered') and ($learner_id is null or nudges.learner_id = $learner_id)
    group by nudges.learner_id

),

-- Enrolments that nobody welcomes again: a draft that nobody looked at, or that never arrived, was none.
welcomed as (

    select distinct learner_id
    from published_nudges
    where
        type = 'welcome' and status in ('approved', 'rejected', 'queued', 'sent', 'delivered')
        and ($learner_id is null or learner_id = $learner_id)

),

drafts_of_person as (

    select
        learners.person_number,
        count(*) as open_drafts
    from published_nudges as nudges
    inner join learners on nudges.learner_id = learners.id
    where
        ($person_number is null or learners.person_number = $person_number)
        and nudges.status = 'draft'
        and nudges.as_of > $decides_at - to_hours($draft_hours)
        -- what goes with the attempt that this run supersedes, or is written anew
        and not (
            nudges.campaign = $pipeline
            and nudges.period = strftime($day::date, '%Y-%m-%d')
            and (
                $written_anew = 'drafts'
                or gives_way(
                    nudges.run_id, nudges.gpt_fallback, nudges.reason, nudges.status, nudges.changed_by,
                    $run_id, $written_anew = 'templates'
                )
            )
        )
    group by learners.person_number

),

final as (

    select
        learners.id as learner_id,
        learners.person_id,
        learners.person_number,
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
        known.learner_id is not null and known.last_login is null and not known.login_is_unknown as never_logged_in,
        coalesce(high_before.runs_high, 0)::integer as runs_high,
        coalesce(sent.nudges_without_return, 0)::integer as nudges_without_return,
        sent.label_at_last_nudge,
        coalesce(drafts_of_person.open_drafts, 0)::integer as open_drafts,
        contacts_of_person.hours_since_contact,
        coalesce(contacts_of_person.contacts_in_7_days, 0) as contacts_in_7_days,
        waiting.person_number is not null as held_out,
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
    left join contacts_of_person on learners.person_number = contacts_of_person.person_number
    left join drafts_of_person on learners.person_number = drafts_of_person.person_number
    left join waiting_persons($decides_at) as waiting on learners.person_number = waiting.person_number
    where $learner_id is null or learners.id = $learner_id

)

select * from final;
