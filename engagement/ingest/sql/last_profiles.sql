-- The newest loads of learners that had just these columns, each as a profile.
select profile
from loads
where kind = 'learners' and profile is not null and list_sort(json_keys(profile, '$.filled')) = $columns::text[]
order by load_id desc
limit $most;
