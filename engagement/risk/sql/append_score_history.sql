-- One row per learner of the run whose label, facts or policy changed since the history's last word at $as_of.
insert into risk_history by name
with last_word as (

    select
        learner_id,
        max(as_of) as as_of,
        arg_max(struct_pack(risk_score, risk_label, policy_hash), as_of) as said
    from score_words
    where as_of <= $as_of
    group by learner_id

),

-- What the last published score was made from tells whether facts changed: those of a day may come after its night, and
-- are no later than the word that it said.
changed_inputs as (

    select run_scores.learner_id
    from run_scores
    inner join risk_scores on run_scores.learner_id = risk_scores.learner_id
    where
        run_scores.run_id = $run_id and risk_scores.as_of <= $as_of
        and (
            run_scores.last_login is distinct from risk_scores.last_login
            or run_scores.login_is_unknown is distinct from risk_scores.login_is_unknown
            or run_scores.completed_percent is distinct from risk_scores.completed_percent
            or run_scores.avg_quiz_score is distinct from risk_scores.avg_quiz_score
            or run_scores.consecutive_missed_sessions is distinct from risk_scores.consecutive_missed_sessions
        )

),

changed_since as (

    select distinct learner_facts.learner_id
    from learner_facts
    inner join last_word on learner_facts.learner_id = last_word.learner_id
    where learner_facts.observed_at <= $as_of and learner_facts.observed_at > last_word.as_of

),

final as (

    select
        run_scores.learner_id,
        $as_of as as_of,
        run_scores.risk_score,
        run_scores.risk_label,
        $policy_hash as policy_hash,
        $run_id as run_id
    from run_scores
    left join last_word on run_scores.learner_id = last_word.learner_id
    where
        run_scores.run_id = $run_id
        and (
            last_word.learner_id is null
            or last_word.said.risk_label <> run_scores.risk_label
            or last_word.said.policy_hash <> $policy_hash
            or run_scores.learner_id in (select changed_inputs.learner_id from changed_inputs)
            or run_scores.learner_id in (select changed_since.learner_id from changed_since)
            or (last_word.as_of = $as_of and last_word.said.risk_score is distinct from run_scores.risk_score)
        )

)

select * from final;
