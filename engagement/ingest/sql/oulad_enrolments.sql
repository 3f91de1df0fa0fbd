-- One row per enrolment registered before $as_of_day; who registered on a day that is not known was there before.
create or replace temp table oulad_enrolments as
select
    concat_ws('-', $module, $presentation, id_student) as learner_id,
    id_student,
    $starts_on + to_days(date_registration) as enrolled_at,
    -- what comes later is not known yet
    case when date_unregistration < $as_of_day then date_unregistration end as date_unregistration
from temp.oulad_studentregistration
where date_registration is null or date_registration < $as_of_day;
