-- One row per learner of the run: becomes the current score, unless a later as_of is there already.
merge into risk_scores
using (select * from run_scores where run_id = $run_id) as source
    on risk_scores.learner_id = source.learner_id
when matched and risk_scores.as_of <= $as_of then
    update
        set
            as_of = $as_of,
            risk_score = source.risk_score,
            risk_label = source.risk_label,
            behind_pace = source.behind_pace,
            low_quiz = source.low_quiz,
            missed_session = source.missed_session,
            inactivity = source.inactivity,
            policy_hash = $policy_hash,
            run_id = $run_id
when not matched then insert values (
    source.learner_id, $as_of, source.risk_score, source.risk_label, source.behind_pace, source.low_quiz,
    source.missed_session, source.inactivity, $policy_hash, $run_id
);
