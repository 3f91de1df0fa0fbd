-- One row per learner whom the run chose for a nudge or a quiz ($kind) and who has none of this campaign and period yet
-- or only one that gives way to it.
-- `cache_key` and `reason` say, once a model was asked, what it wrote, or why a template stands in.
create or replace temp table to_draft as
with nudges_chosen as (

    select
        content_id([learners.person_id, $campaign, decided.channel, $period]) as id,
        decided.learner_id,
        learners.person_id,
        decided.type,
        decided.channel,
        decided.risk_score,
        decided.risk_label
    from contact_decisions as decided
    inner join learners on decided.learner_id = learners.id
    where decided.run_id = $run_id and $kind = 'nudge' and decided.decision = 'contact'

),

quizzes_chosen as (

    select
        content_id([learner_id, $campaign, 'quiz', $period]) as id,
        learner_id,
        person_id,
        'quiz' as type,
        'quiz' as channel,
        risk_score,
        risk_label,
        quiz_topic as topic
    from contact_decisions
    where run_id = $run_id and $kind = 'quiz' and quiz

),

chosen as (

    select
        nudges_chosen.*,
        learners.topic
    from nudges_chosen
    inner join learners on nudges_chosen.learner_id = learners.id
    where not $looks_back
    union all by name
    select * from quizzes_chosen
    where not $looks_back

),

standing as (

    select
        id,
        learner_id,
        run_id,
        period,
        status
    from query_table($drafts)
    where campaign = $campaign and not gives_way(run_id, gpt_fallback, reason, status, changed_by, $run_id, $rewrites)

),

-- Who has one of this campaign and period: of messages, whichever way it goes, one is enough for a person.
written_to as (

    select distinct case when $one_per = 'person_id' then learners.person_number else learners.number end as whose
    from standing as there
    inner join learners on there.learner_id = learners.id
    left join runs on there.run_id = runs.run_id
    where
        there.period = $period and there.status <> 'failed'
        and (there.run_id = $run_id or runs.published_at is not null)

),

drawn_for as (

    select
        chosen.*,
        learners.program,
        learners.locale,
        drawn(concat_ws('|', chosen.learner_id, $campaign, $week), $choices) as draw
    from chosen
    inner join learners on chosen.learner_id = learners.id
    left join standing as there on chosen.id = there.id
    left join written_to
        on written_to.whose = case when $one_per = 'person_id' then learners.person_number else learners.number end
    where there.id is null and written_to.whose is null

),

with_style as (

    select
        *,
        draw % $variants + 1 as variant
    from drawn_for

),

final as (

    -- equal texts side by side take no room in the file, and few of them go into one block
    select
        *,
        null::text as cache_key,
        $why_not as reason,
        row_number() over (order by type, channel, locale, variant, topic, draw, learner_id) as place
    from with_style

)

select * from final
order by place;
