# For Homebrew on Linux; macOS has no FUSE of the kernel's that libfuse 3 speaks.
# Checked on Debian 12: ruby -c. Never built; url and sha256 are those of the
# tarball that meson dist makes.
class Bkendfs < Formula
  desc "Mount a bkend project, read-only"
  homepage "https://bkend.ai"
  url "file:///path/to/bkendfs-0.9.0.tar.xz"
  license "MIT"

  depends_on "meson" => :build
  depends_on "ninja" => :build
  depends_on "pkgconf" => :build
  depends_on "cjson"
  depends_on "curl"
  depends_on "inih"
  depends_on "libfuse"
  depends_on "libmicrohttpd"
  depends_on :linux
  depends_on "openssl@3"
  depends_on "pcre2"
  depends_on "sqlite"
  depends_on "utf8proc"
  depends_on "xxhash"
  depends_on "zlib"

  def install
    system "meson", "setup", "build", "-Dtests=false", *std_meson_args
    system "meson", "compile", "-C", "build"
    system "meson", "install", "-C", "build"
  end

  test do
    assert_match "bkendfs #{version}", shell_output("#{bin}/bkendfs --version")
  end
end
