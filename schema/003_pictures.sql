-- Pictures of items: what was sent (original and media_type are null where originals are not kept), and the small picture that networks learn
-- from and answers are made of: pixels [height, width, channels], a byte each.
create table item_picture (
    item integer primary key,
    changed_at_ms integer not null,
    media_type text,
    original blob,
    height integer not null check (height > 0),
    width integer not null check (width > 0),
    channels integer not null check (channels in (1, 3)),
    pixels blob not null,
    check (length(pixels) = height * width * channels),
    check ((original is null) = (media_type is null))
) strict;
