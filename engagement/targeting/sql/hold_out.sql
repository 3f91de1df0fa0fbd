-- One row per learner to decide about whom chance lets wait in the experiment, and who was not assigned before.
update temp.selection_inputs
set held_out = true
where
    drawn(concat_ws('|', $experiment, person_id), $parts) < $held_out
    and person_id not in (
        select published_assignments.person_id
        from published_assignments
        where
            published_assignments.experiment_id = $experiment
            and published_assignments.run_id is distinct from $run_id
    );
