-- One row per load of learners with columns in percent, the newest first: what they held.
select percents
from loads
where kind = 'learners' and percents is not null
order by load_id desc
limit 20;
