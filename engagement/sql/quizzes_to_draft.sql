-- One row per learner who needs practice and has no quiz of this campaign and week yet.
with wanted as (

    select
        *,
        sha256(concat_ws('|', learner_id, $campaign, 'quiz', $period)) as id
    from contact_decisions
    where run_id = $run_id and quiz

),

final as (

    select
        wanted.id,
        wanted.learner_id,
        wanted.person_id,
        wanted.quiz_topic as topic,
        learners.program,
        learners.locale
    from wanted
    inner join learners on wanted.learner_id = learners.id
    left join quizzes on wanted.id = quizzes.id
    where quizzes.id is null
    order by wanted.risk_score desc nulls last, wanted.learner_id

)

select * from final;
