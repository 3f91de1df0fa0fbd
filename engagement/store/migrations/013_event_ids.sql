-- The id of an event without one of its own: of a JSON array, in which no two contents read alike side by side.
create macro event_id(learner_id, type, instant, metadata) as (
    sha256(json_array(learner_id, type, strftime(instant, '%Y-%m-%dT%H:%M:%S.%f'), metadata::json)::text)
);

-- Those made the old way, so that the export that brought them adds nothing when it comes again.
update events
set id = event_id(learner_id, type, timestamp, metadata)
where
    id = sha256(
        concat_ws('|', learner_id, type, strftime(timestamp, '%Y-%m-%dT%H:%M:%S.%f'), metadata::text)
    );
