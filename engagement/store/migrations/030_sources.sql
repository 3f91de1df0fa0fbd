-- How a source is read, by its shape: what somebody said once need not be said again.
create table source_formats (
    shape text primary key,
    kind text not null,
    source text not null,
    columns text[] not null,
    source_format json not null,
    used_at timestamp not null
);

comment on table source_formats is
'One row per shape of a source that was loaded with options: how it is read the next time. Kept until it is forgotten.';
comment on column source_formats.shape is 'Of the kind and the names in the header, whatever their order.';
comment on column source_formats.kind is 'learners or events.';
comment on column source_formats.source is 'The name of the newest file of that shape.';
comment on column source_formats.columns is 'The names in its header.';
comment on column source_formats.source_format is 'The options, as in SourceFormat.';
comment on column source_formats.used_at is 'When it was read so last (UTC).';
