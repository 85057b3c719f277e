# Checked on Debian 12: nix-instantiate --parse. Never built. Of its own tree:
#   nix-build packaging/nix
{ pkgs ? import <nixpkgs> { } }:

pkgs.stdenv.mkDerivation {
  pname = "bkendfs";
  version = "0.9.0";
  src = pkgs.lib.cleanSource ../..;

  nativeBuildInputs = with pkgs; [ meson ninja pkg-config python3 ];
  buildInputs = with pkgs; [
    cjson curl fuse3 inih libmicrohttpd openssl pcre2 sqlite utf8proc xxHash
    zlib
  ];
  checkInputs = [ pkgs.cmocka ];
  doCheck = true;
  checkPhase = "meson test --suite unit --suite fuzz --print-errorlogs";

  meta = {
    description = "Mount a bkend project, read-only";
    homepage = "https://bkend.ai";
    license = pkgs.lib.licenses.mit;
    platforms = pkgs.lib.platforms.linux;
    mainProgram = "bkendfs";
  };
}
