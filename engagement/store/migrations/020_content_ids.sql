-- The id of a content: of a JSON array of its parts, in which no two contents read alike side by side. What is there
-- keeps the id it has, by which events name it.
create macro content_id(parts) as (
    sha256(to_json(parts)::text)
);
