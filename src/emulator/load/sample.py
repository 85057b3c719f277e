#!/usr/bin/env python3
"""Make the sample project: a small blog with its stored files.

    sample.py OUT.bin OUT.S

OUT.bin holds for each file "SIZE PATH\\n" and its bytes, the paths being those
of a copied mount. OUT.S takes it into the program. The same bytes each time.
"""

import datetime
import hashlib
import json
import re
import sys

import sample_files

EPOCH = 1704877200  # 2024-01-10T09:00:00Z

VERSES = {
    "en": ["The harbour wakes before the town does.", "A kettle sings, a door is left ajar.",
           "Nothing is lost that is written down.", "We measured the rain and named the wind."],
    "el": ["Το λιμάνι ξυπνά πριν από την πόλη.", "Η θάλασσα θυμάται κάθε όνομα.",
           "Γράφουμε για να μη χαθεί τίποτα."],
    "ru": ["Гавань просыпается раньше города.", "Снег идёт, и всё становится тише.",
           "Записанное не пропадает."],
    "ar": ["يستيقظ الميناء قبل المدينة.", "نكتب كي لا يضيع شيء.", "المطر يعرف أسماء الشوارع."],
    "he": ["הנמל מתעורר לפני העיר.", "מה שנכתב אינו אובד.", "הגשם זוכר את שמות הרחובות."],
    "hi": ["बंदरगाह शहर से पहले जागता है।", "जो लिखा गया वह खोता नहीं।", "हमने हवा को नाम दिया।"],
    "ja": ["港は町より先に目を覚ます。", "書いたものは失われない。", "雨は通りの名前を覚えている。"],
    "zh": ["港口比城市醒得早。", "写下来的不会丢失。", "雨记得街道的名字。"],
    "ko": ["항구는 도시보다 먼저 깨어난다.", "적어 둔 것은 사라지지 않는다.", "비는 거리의 이름을 기억한다."],
    "emoji": ["⛵🌅 → 🏘️", "✍️ = 💾", "👩🏽‍💻👨‍👩‍👧‍👦🏳️‍🌈 and back again 🎉"],
}

NAMES = ["Ada Lovelace", "Ελένη Παππά", "Анна Ковалёва", "ليلى حداد", "נועה לוי", "अनिल शर्मा",
         "佐藤 美咲", "王小明", "김지우", "Zoë Ångström", "João da Silva", "Þóra Jónsdóttir",
         "Nguyễn Thị Mai", "O'Brien, Sean", "İpek Yılmaz", "Łukasz Żak", "Mary \"Mae\" West",
         "Ναταλία 🌊", "Олег\tТабулов", "C:\\Users\\Bob"]

TAGS = ["travel", "θάλασσα", "снег", "شعر", "ספר", "चाय", "写真", "旅行", "음식", "☕", "c++", "a/b",
        "100%", "weather", "maps", "letters", "music", "ΜΟΥΣΙΚΗ", "naïve", "long-tag-" + "x" * 40]


class Clock:
    """Ids and times that only grow."""

    def __init__(self):
        self.seconds = EPOCH
        self.counter = 0

    def next(self, step):
        self.seconds += step
        self.counter += 1
        millis = self.counter * 37 % 1000
        return "%08x6d1f0a%04x%06x" % (self.seconds, 0x5EED, self.counter), \
            self.seconds * 1000 + millis


def stamp(ms):
    when = datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%S") + ".%03dZ" % (ms % 1000)


def compact(value, ascii_only=False):
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":"))


def new_record(clock, step, index, created_by=""):
    ident, ms = clock.next(step)
    updated = ms if index % 3 else ms + index * 86399 + 1
    return {"id": ident, "createdBy": created_by, "createdAt": stamp(ms),
            "updatedAt": stamp(updated)}


def make_authors(clock):
    for i, name in enumerate(NAMES):
        record = new_record(clock, 3607, i)
        record.update(name=name, email="author%02d@example.com" % i, active=i % 4 != 3,
                      rating=[1.0, 4.5, 3.25, 5.0][i % 4], birthday=None if i % 5 else "1990-02-%02d" % (i + 1),
                      links={"site": "https://example.com/%d" % i, "also": {"deep": {"er": [i]}}},
                      accountNumber=1234567890123456789 + i * 1000003)
        yield record


def make_tags(clock):
    for i, name in enumerate(TAGS):
        record = new_record(clock, 61, i)
        record.update(name=name, weight=i / 4, parent=None, aliases=[])
        yield record


def make_posts(clock, authors, tags, count=100):
    languages = list(VERSES)
    for i in range(count):
        language = languages[i % len(languages)]
        verses = VERSES[language]
        author = authors[i * 7 % len(authors)]
        record = new_record(clock, 7201 + i, i, author["id"])
        body = "\n\n".join(" ".join(verses[(i + k + j) % len(verses)] for j in range(3 + i % 5))
                           for k in range(1 + i % 6))
        record.update(title=verses[i % len(verses)].rstrip(".।。"), language=language,
                      slug="post-%03d" % i, body=body, authorId=author["id"],
                      tags=[tags[(i * 3 + k) % len(tags)]["name"] for k in range(i % 4)],
                      views=i * i * 31, viewsTotal=9223372036854775807 - i,
                      score=float(i % 10), coordinates=[round(-90 + i * 1.7, 4), 0.0, -0.5e-7],
                      meta={"draft": False, "revisions": [{"n": n, "by": author["id"]}
                                                          for n in range(i % 3)], "empty": {}},
                      cover=None, quote="\"%s\" \\ / \u2028 \t\b\f" % verses[0])
        yield record


def make_comments(clock, posts, authors, count=140):
    languages = list(VERSES)
    previous = None
    for i in range(count):
        verses = VERSES[languages[(i * 3 + 1) % len(languages)]]
        author = authors[i * 11 % len(authors)]
        record = new_record(clock, 977 + i % 13, i, author["id"])
        record.update(postId=posts[i * 17 % len(posts)]["id"], authorId=author["id"],
                      text=verses[i % len(verses)], likes=i * 5 % 23,
                      replyTo=previous if i % 4 == 1 else None, approved=i % 9 != 0)
        previous = record["id"]
        yield record


def make_drafts(clock, authors, count=20):
    for i in range(count):
        record = new_record(clock, 4999, i, authors[i % len(authors)]["id"])
        record.update(title="Draft %d ✏️" % (i + 1), body="…" * (i * 40), notes=[[], [[]], {"": None}],
                      words=i * 40, ready=False)
        yield record


SYSTEM_FIELDS = ("id", "createdBy", "createdAt", "updatedAt")


def bson_type(value):
    if isinstance(value, int) and not isinstance(value, bool):
        return "int" if -2**31 <= value < 2**31 else "long"
    kinds = ((bool, "bool"), (float, "double"), (str, "string"), (list, "array"),
             (dict, "object"), (type(None), "null"))
    return next(name for kind, name in kinds if isinstance(value, kind))


def field_schema(values):
    """What the service says of a field that has these values."""
    types = {bson_type(value) for value in values}
    if "double" in types:
        types -= {"int", "long"}
    if "long" in types:
        types -= {"int"}
    if types == {"null"}:
        types.add("string")
    ordered = sorted(types, key=lambda name: (name == "null", name))
    schema = {"bsonType": ordered[0] if len(ordered) == 1 else ordered}
    if types == {"array"} and any(values):
        schema["items"] = field_schema([element for value in values for element in value])
    return schema


def make_spec(table, records):
    fields = [key for key in records[0] if key not in SYSTEM_FIELDS]
    readable = {"create": False, "read": True, "update": False, "delete": False, "list": True}
    return {"tableName": table,
            "schema": {"bsonType": "object",
                       "required": [key for key in fields
                                    if all(record[key] is not None for record in records)],
                       "properties": {key: field_schema([record[key] for record in records])
                                      for key in fields}},
            "indexes": [{"key": {"id": 1}}, {"key": {"createdAt": -1}}, {"key": {"updatedAt": -1}},
                        {"key": {"createdBy": 1}}],
            "permissions": {"admin": dict.fromkeys(readable, True), "user": readable,
                            "guest": {} if table == "drafts" else readable}}


def make_tables(clock):
    authors = list(make_authors(clock))
    tags = list(make_tags(clock))
    posts = list(make_posts(clock, authors, tags))
    return {"authors": authors, "tags": tags, "posts": posts,
            "comments": list(make_comments(clock, posts, authors)),
            "drafts": list(make_drafts(clock, authors))}


def safe_name(text):
    """CONTRACT.md 2, as far as the names above need it."""
    return re.sub(r"%(?=[0-9A-Fa-f]{2})|/", lambda found: "%%%02X" % ord(found[0]), text)


def make_stored(clock):
    verses = [verse for group in VERSES.values() for verse in group]
    for i, (name, mime, data) in enumerate(sample_files.all_files(verses)):
        record = new_record(clock, 5003, i)
        created_by = record.pop("createdBy")
        metadata = {"id": record["id"], "s3Key": "uploads/%s/%d" % (record["id"], i),
                    "originalName": name, "mimeType": mime, "size": len(data),
                    "visibility": "public" if i % 5 == 0 else "private",
                    "ownerId": created_by or "65a000000000000000000001", "ownerType": "user",
                    "metadata": {"album": i % 4}, "createdAt": record["createdAt"],
                    "updatedAt": record["updatedAt"]}
        yield metadata, "%s_%s" % (record["id"], safe_name(name)), data


def make_bundle():
    clock = Clock()
    files = []
    for table, records in make_tables(clock).items():
        files.append((table + "/.spec.json", compact(make_spec(table, records))))
        for i, record in enumerate(records):
            # Escaped or not: both are how servers write.
            files.append(("%s/%s.json" % (table, record["id"]), compact(record, i % 6 == 5)))
    for metadata, name, data in make_stored(clock):
        files.append(("files/%s.json" % metadata["id"], compact(metadata)))
        files.append(("storage/" + name, data))
    out = bytearray()
    for path, data in files:
        data = data.encode() if isinstance(data, str) else data
        out += b"%d %s\n" % (len(data), path.encode()) + data
    return bytes(out)


ASSEMBLY = """/* Made by sample.py; %(digest)s */
	.section .rodata
	.global emulator_sample
	.global emulator_sample_end
	.balign 16
emulator_sample:
	.incbin "%(path)s"
emulator_sample_end:
	.byte 0
	.section .note.GNU-stack,"",%%progbits
"""


def main():
    bundle = make_bundle()
    with open(sys.argv[1], "wb") as out:
        out.write(bundle)
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write(ASSEMBLY % {"digest": hashlib.sha256(bundle).hexdigest(), "path": sys.argv[1]})


if __name__ == "__main__":
    main()
