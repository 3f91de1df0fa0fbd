-- One row per bin of 0.05 and label in a run: learners; bins are null where there is no score.
with binned as (

    select
        case when risk_score is not null then least(floor(risk_score * 20), 19) / 20 end as score_from,
        risk_label as label
    from run_scores
    where run_id = $run_id

),

final as (

    select
        score_from,
        score_from + 0.05 as score_to,
        label,
        count(*) as learners
    from binned
    group by score_from, label

)

select * from final
order by score_from, label;
