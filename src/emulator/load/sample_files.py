"""The sample project's stored files: small, but true ones of their kind.

Everything is computed, nothing random: the same bytes at each build.
"""

import gzip
import io
import json
import math
import struct
import tarfile
import zipfile
import zlib


def png(width, height, pixel, alpha=False):
    """A PNG of pixel(x, y) -> (r, g, b[, a])."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows.extend(pixel(x, y))

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 6 if alpha else 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(bytes(rows), 9)) + chunk(b"IEND", b""))


def clamp(value):
    return max(0, min(255, int(value)))


def mix(a, b, t):
    return tuple(clamp(x + (y - x) * t) for x, y in zip(a, b))


def sunset(width=640, height=400):
    """A sun over the sea."""
    horizon = height * 0.62
    sky = [mix((38, 24, 84), (255, 150, 84), (y / horizon) ** 1.4)
           for y in range(height)]
    cx, cy, radius = width * 0.5, horizon * 0.78, height * 0.16

    def pixel(x, y):
        if y >= horizon:
            depth = (y - horizon) / (height - horizon)
            wave = math.sin(x * 0.05 + y * y * 0.004) * math.sin(y * 0.9 - x * 0.013)
            glow = max(0, 1 - abs(x - cx) / (30 + 160 * depth)) * (0.6 + 0.4 * wave)
            return mix(mix((120, 60, 90), (12, 18, 52), depth), (255, 200, 120), glow * 0.8)
        distance = math.hypot(x - cx, y - cy)
        if distance < radius:
            return mix((255, 250, 210), (255, 196, 96), distance / radius)
        return mix(sky[y], (255, 220, 150), max(0, 1 - (distance - radius) / 150) * 0.6)

    return png(width, height, pixel)


def mandelbrot(width=420, height=300, most=64):
    def pixel(px, py):
        c = complex(-2.25 + 3.2 * px / width, -1.15 + 2.3 * py / height)
        z = 0j
        for n in range(most):
            z = z * z + c
            if z.real * z.real + z.imag * z.imag > 64:
                smooth = n + 1 - math.log2(math.log(abs(z)))
                t = smooth / most
                return (clamp(255 * (1 - (1 - t) ** 3)),
                        clamp(255 * t ** 0.8), clamp(90 + 165 * t ** 0.4))
        return (6, 4, 30)

    return png(width, height, pixel)


def interference(width=560, height=360, shift=0.0):
    """Rings of three sources."""
    sources = [(0.25, 0.35), (0.7, 0.25), (0.5, 0.8)]

    def pixel(x, y):
        v = sum(math.sin(math.hypot(x - sx * width, y - sy * height) * 0.11 + shift + i)
                for i, (sx, sy) in enumerate(sources))
        return (clamp(128 + 40 * v + 60 * x / width),
                clamp(110 + 45 * math.cos(v * 1.7)), clamp(150 - 30 * v + 60 * y / height))

    return png(width, height, pixel)


def tiles(width=480, height=480, size=40):
    """Truchet tiles: quarter circles, turned as a formula says."""
    def pixel(x, y):
        tx, ty = x // size, y // size
        u, v = x % size, y % size
        if (tx * 7 + ty * 13 + tx * ty) % 3 == 0:
            u = size - 1 - u
        near = min(math.hypot(u, v), math.hypot(size - u, size - v))
        edge = max(0, 1 - abs(near - size / 2) / 7)
        paper = mix((250, 244, 228), (214, 232, 240), (x + y) / (width + height))
        return mix(paper, (24, 78, 119), min(1, edge * 1.8))

    return png(width, height, pixel)


def logo(size=256):
    """A round logo on nothing."""
    def pixel(x, y):
        dx, dy = x - size / 2 + 0.5, y - size / 2 + 0.5
        r = math.hypot(dx, dy) / (size / 2)
        petal = math.cos(6 * math.atan2(dy, dx)) * 0.18 + 0.72
        cover = clamp((petal - r) * 900)
        return mix((255, 200, 87), (220, 60, 110), r) + (cover,)

    return png(size, size, pixel, alpha=True)


def gif(size=96, frames=12):
    """An animation: a dot on a circle. Each LZW code is a byte."""
    palette = b"".join(bytes(mix((20, 24, 60), (255, 190, 90), i / 127)) for i in range(128))
    out = io.BytesIO()
    out.write(b"GIF89a" + struct.pack("<HHBBB", size, size, 0xF6, 0, 0) + palette)
    out.write(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00")
    for frame in range(frames):
        angle = 2 * math.pi * frame / frames
        cx, cy = size / 2 + 28 * math.cos(angle), size / 2 + 28 * math.sin(angle)
        pixels = [clamp(max(0, 1 - math.hypot(x - cx, y - cy) / 26) ** 1.5 * 127)
                  for y in range(size) for x in range(size)]
        out.write(b"\x21\xf9\x04\x04\x08\x00\x00\x00")
        out.write(b"\x2c" + struct.pack("<HHHHB", 0, 0, size, size, 0) + b"\x07")
        # 128 empties the table before a code could need a ninth bit.
        data = bytearray()
        for i, pixel in enumerate(pixels):
            if i % 100 == 0:
                data.append(128)
            data.append(pixel)
        data.append(129)
        for i in range(0, len(data), 255):
            block = data[i:i + 255]
            out.write(bytes([len(block)]) + block)
        out.write(b"\x00")
    out.write(b"\x3b")
    return out.getvalue()


def wav(strokes=5, seconds=6, rate=22050):
    """A chord that fades, struck again and again."""
    tones = (261.63, 329.63, 392.0, 523.25)
    samples = bytearray()
    for i in range(seconds * rate):
        t = i / rate
        v = sum(math.sin(2 * math.pi * f * t) * math.exp(-t * (0.5 + k * 0.2))
                for k, f in enumerate(tones)) / len(tones)
        samples += struct.pack("<h", int(v * 30000))
    samples *= strokes
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(samples), b"WAVE",
                         b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16, b"data", len(samples))
    return header + bytes(samples)


def pdf(title, pages):
    """Pages of lines of text, in Helvetica."""
    def escape(text):
        return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")

    bodies = [None, None, b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
              b"<< /Title (%s) >>" % escape(title).encode()]
    kids = []
    for number, lines in enumerate(pages, 1):
        text = ["0.86 0.92 0.97 rg 0 760 595 82 re f 0.1 0.25 0.4 rg",
                "BT /F1 22 Tf 56 790 Td (%s) Tj ET" % escape(title),
                "0 0 0 rg BT /F1 12 Tf 56 720 Td 18 TL"]
        text += ["(%s) Tj T*" % escape(line) for line in lines]
        text.append("ET BT /F1 9 Tf 280 40 Td (%d / %d) Tj ET" % (number, len(pages)))
        stream = "\n".join(text).encode()
        bodies.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
        kids.append(len(bodies) + 1)
        bodies.append(b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
                      b"/Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>" % len(bodies))
    bodies[0] = b"<< /Type /Catalog /Pages 2 0 R >>"
    bodies[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (
        b" ".join(b"%d 0 R" % kid for kid in kids), len(kids))
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 4 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(bodies) + 1, start)
    return bytes(out)


def svg_map():
    hills = "".join(
        '<path d="M0 %d Q 150 %d 300 %d T 600 %d V 400 H 0 Z" fill="hsl(%d 45%% %d%%)"/>'
        % (180 + 45 * i, 90 + 50 * i, 190 + 40 * i, 160 + 48 * i, 150 - 12 * i, 62 - 9 * i)
        for i in range(5))
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 400">'
            '<defs><linearGradient id="sky" x2="0" y2="1"><stop stop-color="#9fd3ff"/>'
            '<stop offset="1" stop-color="#fff3d6"/></linearGradient></defs>'
            '<rect width="600" height="400" fill="url(#sky)"/>'
            '<circle cx="470" cy="90" r="38" fill="#ffd166"/>%s</svg>\n' % hills).encode()


def svg_chart(values):
    bars = "".join('<rect x="%d" y="%d" width="34" height="%d" rx="5" fill="hsl(%d 70%% 55%%)"/>'
                   % (20 + 46 * i, 220 - v, v, 200 + 12 * i) for i, v in enumerate(values))
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d 240">'
            '<rect width="100%%" height="100%%" fill="#fafafa"/>%s</svg>\n'
            % (40 + 46 * len(values), bars)).encode()


def csv(rows, header):
    lines = [header] + [",".join(str(cell) for cell in row) for row in rows]
    return ("\r\n".join(lines) + "\r\n").encode()


def html(title, body):
    return ('<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
            "<title>%s</title></head>\n<body><h1>%s</h1>\n%s\n</body></html>\n"
            % (title, title, body)).encode()


def zip_of(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name, (2024, 3, 1, 12, 0, 0)), data)
    return out.getvalue()


def tar_of(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1709294400
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def all_files(verses):
    """(originalName, mimeType, bytes) of each stored file, in their order."""
    text = "\n".join(verses).encode() + b"\n"
    readings = [(i, "%.2f" % (12 + 9 * math.sin(i / 29)), 40 + i * 7 % 55)
                for i in range(1, 1201)]
    sales = csv(readings, "day,temperature,humidity")
    settings = {"theme": "dark", "limits": {"upload": 10485760, "ratio": 1.0},
                "serial": 9007199254740993, "languages": ["en", "el", "ja", "ar"]}
    log = "".join("2024-03-%02dT%02d:%02d:00Z request %d served in %d ms\n"
                  % (1 + i // 288, i // 12 % 24, i % 12 * 5, i, i * 37 % 211)
                  for i in range(3000)).encode()
    lines = ["This page was made for the sample project.", "",
             "A stored file is what an application once uploaded: a photo,",
             "a report, a letter. Here it is a file like any other.", ""]
    report = [lines + ["Section %d.%d" % (page, i) for i in range(1, 20)] for page in range(1, 4)]
    chart = svg_chart([40 + i * i * 3 % 150 for i in range(12)])
    return [
        ("sunset.png", "image/png", sunset()),
        ("photo.png", "image/png", interference()),
        ("photo.png", "image/png", interference(400, 400, 2.0)),
        ("日没.png", "image/png", sunset(480, 300)),
        ("Mandelbrot set.png", "image/png", mandelbrot()),
        ("логотип.png", "image/png", logo()),
        ("tiles.png", "image/png", tiles()),
        ("خريطة.svg", "image/svg+xml", svg_map()),
        ("chart.svg", "image/svg+xml", chart),
        ("reports/2024-Q1.pdf", "application/pdf", pdf("Report 2024, first quarter", report)),
        ("Invoice №7.pdf", "application/pdf", pdf("Invoice no. 7", [lines])),
        ("Ημερολόγιο.txt", "text/plain", text),
        ("заметки.txt", "text/plain", "Купить хлеб.\nПозвонить Ане.\n".encode()),
        ("שלום.txt", "text/plain", "שלום עולם\n".encode()),
        ("README", "text/plain", b"These files belong to the sample project.\n"),
        ("सूची.csv", "text/csv", "क्रम,नाम\r\n1,सेब\r\n2,आम\r\n3,केला\r\n".encode()),
        ("readings.csv", "text/csv", sales),
        ("한국어 메모.json", "application/json",
         json.dumps(settings, ensure_ascii=False, indent=2).encode() + b"\n"),
        ("geo.json", "application/geo+json", json.dumps({
            "type": "FeatureCollection", "features": [
                {"type": "Feature", "properties": {"name": name},
                 "geometry": {"type": "Point", "coordinates": [lon, lat]}}
                for name, lon, lat in (("Αθήνα", 23.73, 37.98), ("東京", 139.69, 35.68),
                                       ("서울", 126.98, 37.57))]}).encode()),
        ("index.html", "text/html", html("Sample", "<p>Hello, 世界! 👋</p>")),
        ("🎉 party.gif", "image/gif", gif()),
        ("chord.wav", "audio/wav", wav()),
        ("access.log.gz", "application/gzip", gzip.compress(log, 9, mtime=0)),
        ("archive.zip", "application/zip",
         zip_of([("readings.csv", sales), ("chart.svg", chart)])),
        ("backup.tar", "application/x-tar",
         tar_of([("notes.txt", text), ("readings.csv", sales)])),
        ("empty.txt", "text/plain", b""),
    ]
