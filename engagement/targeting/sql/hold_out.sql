-- One row per learner to decide about whom chance lets wait in the experiment, and who was not assigned before.
update temp.selection_inputs
set held_out = true
where
    drawn(concat_ws('|', $experiment, person_id), $parts) < $held_out
    and person_number not in (
        select published_assignments.person_number
        from published_assignments
        where published_assignments.experiment_id = $experiment
    );
