-- One row per learner of the run whose label, facts or policy changed since the history's last word at $as_of.
insert into risk_history
with last_word as (

    select
        risk_history.learner_id,
        risk_history.as_of,
        risk_history.risk_score,
        risk_history.risk_label,
        risk_history.policy_hash
    from risk_history
    inner join runs on risk_history.run_id = runs.run_id
    where risk_history.as_of <= $as_of
    qualify
        row_number() over (
            partition by risk_history.learner_id
            order by risk_history.as_of desc, runs.published_at desc, runs.run_id desc
        ) = 1

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
    left join changed_since on run_scores.learner_id = changed_since.learner_id
    where
        run_scores.run_id = $run_id
        and (
            last_word.learner_id is null
            or last_word.risk_label <> run_scores.risk_label
            or last_word.policy_hash <> $policy_hash
            or changed_since.learner_id is not null
            or (last_word.as_of = $as_of and last_word.risk_score is distinct from run_scores.risk_score)
        )

)

select * from final;
