# A Debian system of its own in $root, for what is tried by hand (tests/package,
# tests/neighbours): made by debootstrap, entered by chroot, or booted, with
# systemd as its first process. To be sourced with the path of the script in $self
# and of the packages' directory in $packages, both from /; it calls the script
# again in a mount namespace, and what was mounted or started goes when that ends.
#
# Root and a network (a Debian mirror) are needed, and debootstrap. The root is
# kept in $BKEND_ROOT, if that is set, and used again.
root=${BKEND_ROOT:-$(mktemp -d)}
emulator=
booted_by=
first=
group=

step() {
	printf '=== %s\n' "$*"
}

fail() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

# Whatever must not succeed. (An error behind a ! ends nothing.)
fails() {
	if "$@"; then
		fail "this should have failed: $*"
	fi
}

# Until a command succeeds, for some minutes: the machine may be busy.
wait_for() {
	local tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 1200 ] || fail "waited in vain for: $*"
		sleep 0.1
	done
}

inside() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
		chroot "$root" "$@"
}

inside_as_user() {
	inside setpriv --reuid=user --regid=user --init-groups \
		env HOME=/home/user "$@"
}

clean() {
	[ -z "$emulator" ] || kill "$emulator" || true
	[ -z "$first" ] || kill -KILL "$first" || true
	[ -z "$group" ] || remove_group
	# Deepest first; what hangs is let go of.
	awk -v root="$root/" 'index($2, root) == 1 { print $2 }' \
		/proc/self/mounts | tac | while read -r point; do
		umount -l "$point"
	done
	[ -n "${BKEND_ROOT-}" ] || rm -rf --one-file-system "$root"
}

# Whatever is mounted goes when this ends.
if [ -z "${BKEND_UNSHARED-}" ]; then
	BKEND_UNSHARED=1 exec unshare --mount --propagation private \
		"$self" "$packages"
fi
# But other tests' mounts are not held on to: they would not end with theirs.
umount --all --lazy --types fuse.bkendfs || :
trap clean EXIT

devices() {
	mount -t tmpfs -o mode=755 tmpfs "$1/dev"
	for device in null zero full random urandom tty fuse autofs; do
		: >"$1/dev/$device"
		mount --bind "/dev/$device" "$1/dev/$device"
	done
	ln -s /proc/self/fd "$1/dev/fd"
}

# new_system PACKAGE...: with ours, and these of Debian's.
new_system() {
	step "a new system"
	chmod 755 "$root" # for ordinary users, too
	if [ ! -x "$root/usr/bin/dpkg" ]; then
		debootstrap --variant=minbase --include=ca-certificates bookworm \
			"$root" >"$root.log" 2>&1 || { tail "$root.log"; exit 1; }
	fi
	mount -t proc proc "$root/proc"
	devices "$root"
	chmod 666 /dev/fuse
	cp /etc/resolv.conf "$root/etc/"
	! ls /etc/apt/apt.conf.d/*proxy* >/dev/null 2>&1 ||
		cp /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/"

	step "install"
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	# A root that a crash spoils is thrown away.
	echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/tests"
	mkdir -p "$root/packages"
	rm -f "$root"/packages/*.deb
	cp "$packages"/*.deb "$root/packages/"
	inside sh -c 'export DEBIAN_FRONTEND=noninteractive
		apt-get -q -y update && apt-get -q -y install \
			--no-install-recommends "$@" &&
		apt-get -q -y install --reinstall --no-install-recommends \
			/packages/bkendfs_*.deb /packages/bkend-emulator_*.deb' \
		install "$@" >"$root/install.log" 2>&1 ||
		{ tail "$root/install.log"; exit 1; }
	# What an earlier run has left would be used again.
	inside rm -rf /root/.cache /root/.local /home/user /var/cache/bkendfs \
		/var/lib/bkendfs /var/lib/systemd/linger
	inside id user >/dev/null 2>&1 || inside useradd -s /bin/bash user
	inside install -d -o user -g user -m 700 /home/user
	: >"$root/etc/fstab"
}

# ---- booted ----

# What becomes systemd, as the first process of namespaces of its own.
become_init() {
	set -eu
	mount --bind "$1" "$1"
	mount -t proc proc "$1/proc"
	mount -t sysfs -o ro sysfs "$1/sys"
	mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
	devices "$1"
	mkdir "$1/dev/pts" "$1/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts"
	ln -s pts/ptmx "$1/dev/ptmx"
	mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
	mount -t tmpfs -o mode=755 tmpfs "$1/run"
	mkdir -p "$1/oldroot"
	cd "$1"
	pivot_root . oldroot
	umount -l /oldroot
	mount --make-rshared /
	exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
		container=other /lib/systemd/systemd </dev/null
}

remove_group() {
	find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
}

# Without a network but its own loopback.
boot() {
	group=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)/bkendfs-test-$$
	mkdir "$group"
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		exec unshare --mount --propagation private --pid --fork \
			--kill-child --cgroup --uts --ipc --net bash -c \
			"$(declare -f devices become_init); become_init $root" \
			2>"$root/boot.log"
	) &
	booted_by=$!
	find_first() {
		first=$(pgrep -P "$booted_by")
	}
	wait_for find_first
	wait_for booted systemctl is-active multi-user.target
}

halt() {
	booted systemctl poweroff
	wait "$booted_by" || true
	first=
	remove_group
}

booted() {
	nsenter -t "$first" -a env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		LC_ALL=C.UTF-8 "$@"
}

booted_as_user() {
	booted setpriv --reuid=user --regid=user --init-groups \
		env HOME=/home/user XDG_RUNTIME_DIR="/run/user/$(booted id -u user)" "$@"
}
