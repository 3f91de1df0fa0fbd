-- One row per learner who needs practice and has no quiz of this campaign and week yet, or,
-- where a model is asked, only a template that nobody has touched.
-- `cache_key` and `reason` say, once a model was asked, what it wrote, or why a template stands in.
create or replace temp table quizzes_to_draft as
with wanted as (

    select
        *,
        sha256(concat_ws('|', learner_id, $campaign, 'quiz', $period)) as id
    from contact_decisions
    where run_id = $run_id and quiz

),

drawn_for as (

    select
        wanted.id,
        wanted.learner_id,
        wanted.person_id,
        wanted.quiz_topic as topic,
        wanted.risk_score,
        learners.program,
        learners.locale,
        drawn(concat_ws('|', wanted.learner_id, $campaign, $week), $orders) as option_order
    from wanted
    inner join learners on wanted.learner_id = learners.id
    left join quizzes as there
        on
            wanted.id = there.id
            and not (
                $rewrites
                and there.run_id is distinct from $run_id
                and is_untouched_template(there.gpt_fallback, there.reason, there.status, there.version)
            )
    where there.id is null

),

final as (

    -- equal quizzes side by side take no room in the file, and few of them go into one block
    select
        *,
        null::text as cache_key,
        $why_not as reason,
        row_number() over (order by topic, locale, option_order, learner_id) as place
    from drawn_for

)

select * from final
order by place;
