"""ca-update with the real update-ca-certificates: images and, in mount namespaces, this system itself."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import kedge
import store

BY_TOOL = unittest.skipUnless(os.path.exists(store.TOOL), "no update-ca-certificates")
BY_ROOT = unittest.skipUnless(os.geteuid() == 0, "only root may enter a root")
NOBODY = 65534
LOCAL_NAMES = {name: f"{store.LOCAL}/{name}.crt" for name in store.SIX}


class Update(kedge.Test):
    """A tree in a folder of its own, and what is asked of runs in it."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="kedge-update-")
        self.addCleanup(shutil.rmtree, self.folder)

    def small(self, **options):
        return store.small(self.folder + "/tree", **options)

    def run_in(self, tree, *words, status=None, **options):
        done = kedge.run("ca-update", "--root", tree.root, *words, "-f", "json", **options)
        if status is not None:
            self.assertEqual(done.status, status, str(done))
        return done

    def outcome(self, done):
        found = [result for result in done.results if result["id"] == "update"]
        self.assertEqual(len(found), 1, str(done))
        return found[0]

    def applied(self, tree, *words, goal=store.GOAL, path=store.BUNDLE, **options):
        """Applies; nothing is lost, the goal is reached, a second run has nothing to do. Gives the first run."""
        bundle, directory, lines = tree.bundle(path), tree.directory(), tree.lines()
        done = self.run_in(tree, *words, "--apply", status=0, **options)
        self.reached(tree, bundle, directory, lines, goal, path)
        said = self.outcome(done)["values"]
        self.assertEqual((said["before"], said["after"], said["lost"]), (len(bundle), len(tree.bundle(path)), 0))
        state = tree.state(skip=(store.STATE,))
        for again in ((), ("--apply",)):
            second = self.run_in(tree, *words, *again, status=0, **options)
            self.assertIn("Nothing to do", self.outcome(second)["message"])
        self.assertEqual(tree.state(skip=(store.STATE,)), state)
        return done

    def reached(self, tree, bundle, directory, lines, goal=store.GOAL, path=store.BUNDLE):
        self.assertLessEqual(bundle | goal, tree.bundle(path))
        if directory:
            self.assertLessEqual(directory | goal, tree.directory())
        rest = iter(tree.lines())
        for line in filter(None, lines):
            self.assertTrue(any(new in (line, line.removeprefix(b"!")) for new in rest), f"{line} is gone: {tree.lines()}")

    def refuses(self, tree, *words, says):
        """A run that is refused changes nothing."""
        state = tree.state(skip=(store.STATE,))
        self.refused("ca-update", "--root", tree.root, *words, says=says, exit_status=3)
        self.assertEqual(tree.state(skip=(store.STATE,)), state)

    def resolves(self, tree):
        """Every link of the folder leads to a file inside, by its name there."""
        for name in os.listdir(tree.at(store.CERTS)):
            place = tree.at(store.CERTS) + "/" + name
            if os.path.islink(place):
                self.assertNotIn(tree.root, os.readlink(place))
                self.assertTrue(tree.content(store.CERTS + "/" + name), name)


@BY_TOOL
class Image(Update):
    """A Debian image that can't run its own tool: this system's tool, pointed at its folders."""

    def test_dry_run(self):
        tree = self.small()
        state = tree.state(times=True)
        done = self.run_in(tree, status=5)
        self.assertEqual(tree.state(times=True), state)
        by_id = {result["id"]: result for result in done.results}
        self.assertEqual({result["code"] for result in done.results}, {"store.pending"})
        diff = by_id[store.CONF]["values"]["diff"]
        name = store.SIX[store.TWO]
        self.assertIn(f"-!mozilla/{name}\n+mozilla/{name}\n", diff)
        self.assertIn("\\ No newline at end of file\n+mozilla/Lab_Three.crt\n", diff)
        self.assertIn(LOCAL_NAMES[store.FOUR], by_id)
        self.assertIn(LOCAL_NAMES[store.CLASS2], by_id)
        self.assertIn("Lab Live", by_id[store.LOCAL + "/Lab_Live.crt"]["message"])
        self.assertIn(store.TOOL, by_id["command"]["values"]["command"])

    def test_text_reads_like_a_diff(self):
        tree = self.small()
        text = kedge.run("ca-update", "--root", tree.root).out
        self.assertIn(f"\n--- {store.CONF}\n+++ {store.CONF}\n@@ ", text)
        self.assertIn(f"\n--- /dev/null\n+++ {LOCAL_NAMES[store.FOUR]}\n+Amazon Root CA 4, built in\n", text)
        self.assertIn("--apply", text)
        self.assertEqual(text.count("--etccertsdir"), 1, "the command is shown once")
        self.assertRegex(text, r"\n5 changes \(")
        text = kedge.run("ca-update", "--root", tree.root, "--apply").out
        self.assertIn("7 authorities before, 11 after, none lost", text)
        self.assertEqual(text.count("--etccertsdir"), 1)
        for said in ("2 switched on", f"Wrote {LOCAL_NAMES[store.FOUR]}: ", "Ran: "):
            self.assertIn(said, " ".join(text.split()))
        self.assertRegex(text, r"\n5 changes \(")
        text = kedge.run("ca-update", "--root", tree.root, "--rollback").out
        self.assertIn(f"\n--- {store.CONF}\n+++ {store.CONF}\n@@ ", text)
        self.assertIn("-mozilla/Amazon_Root_CA_2.crt\n+!mozilla/Amazon_Root_CA_2.crt\n", text)
        self.assertIn("-mozilla/Lab_Three.crt\n+mozilla/Lab_Three.crt\n\\ No newline at end of file\n", text)
        self.assertIn("To be put back: 4 certificates fewer.", text)
        self.assertIn(f"\n--- {LOCAL_NAMES[store.FOUR]}\n+++ /dev/null\n-CN=Amazon Root CA 4,", text)
        self.assertIn("\n-Amazon_Root_CA_2.pem -> ", text)
        text = kedge.run("ca-update", "--root", tree.root, "--rollback", "--apply").out
        self.assertIn(f"Took {LOCAL_NAMES[store.FOUR]} away.", text)
        self.assertIn("0 changes", kedge.run("ca-update", "--root", tree.root, "--rollback", "--apply").out)

    def test_a_change_is_no_failure(self):
        """Neither is one where warnings are."""
        done = self.run_in(self.small(), "--strict", status=5)
        self.assertEqual({result["status"] for result in done.results}, {"warn"})

    def test_links_that_are_made_anew(self):
        """Some of them, and all where more is asked for."""
        tree = self.small(worn=False)
        hashed = sorted(name for name in os.listdir(tree.at(store.CERTS)) if name.endswith(".0"))
        for name in hashed[1:]:
            os.unlink(tree.at(f"{store.CERTS}/{name}"))
        some = kedge.run("ca-update", "--root", tree.root).out
        count = len(hashed) - 1
        self.assertEqual(some.count("\n-"), 5)
        self.assertIn(f"\nand {count - 5} more\n", some)
        self.assertRegex(some, r"\n-(Lab_\w+)\.pem -> /.*/\1\.crt\n\+\1\.pem -> /.*/\1\.crt\n")
        self.assertEqual(kedge.run("ca-update", "--root", tree.root, "-v").out.count("\n-"), count)

    def test_apply(self):
        tree = self.small()
        lines = tree.lines()
        self.applied(tree)
        self.resolves(tree)
        added = {f"mozilla/{store.SIX[name]}".encode() for name in (store.TWO, store.THREE)}
        self.assertEqual([line.removeprefix(b"!") if line[1:] in added else line for line in lines] + [b""], tree.lines())
        self.assertEqual(os.listdir(tree.at(store.STATE) + "/backup"), ["1"])
        self.assertEqual(stat.S_IMODE(os.stat(tree.at(store.STATE)).st_mode), 0o700)

    def test_a_whole_store(self):
        tree = store.full(self.folder + "/tree")
        for name in (store.ONE, store.SERVICES):
            os.unlink(f"{tree.at(store.PACKAGE)}/mozilla/{store.SIX[name]}")
        tree.update()
        self.applied(tree)
        self.resolves(tree)

    def test_rollback(self):
        tree = self.small()
        state = tree.state(skip=(store.STATE,))
        self.run_in(tree, "--apply", status=0)
        after = tree.state(times=True)
        self.assertTrue(self.run_in(tree, "--rollback", status=5).results)
        self.assertEqual(tree.state(times=True), after)
        self.run_in(tree, "--rollback", "--apply", status=0)
        self.assertEqual(tree.state(skip=(store.STATE,)), state)
        for again in ((), ("--apply",)):
            self.assertIn("Nothing to do", self.outcome(self.run_in(tree, "--rollback", *again, status=0))["message"])
        self.applied(tree)

    def test_rollback_without_backup(self):
        self.assertIn("no backup", self.outcome(self.run_in(self.small(), "--rollback", "--apply", status=0))["message"])

    def test_rollback_keeps_what_others_added(self):
        tree = self.small()
        self.run_in(tree, "--apply", status=0)
        tree.write(store.LOCAL + "/later.crt", store.made("Lab Later"))
        tree.update()
        self.refuses(tree, "--rollback", "--apply", says=["Lab Later", "backup/1"])

    def test_rollback_keeps_a_configuration_that_others_changed(self):
        tree = self.small()
        self.run_in(tree, "--apply", status=0)
        tree.write(store.CONF, tree.read(store.CONF) + b"# mine\n")
        self.refuses(tree, "--rollback", "--apply", says=[store.CONF, "by others"])

    def test_three_backups_are_kept(self):
        tree = self.small()
        for _ in range(5):
            self.run_in(tree, "--apply", status=0)
            os.unlink(tree.at(LOCAL_NAMES[store.FOUR]))
        self.assertEqual(sorted(os.listdir(tree.at(store.STATE) + "/backup")), ["3", "4", "5"])

    def test_crlf_lines_stay_and_so_do_their_authorities(self):
        tree = self.small(worn=False)
        content = tree.read(store.CONF).replace(b"\n", b"\r\n")
        tree.write(store.CONF, content)
        self.applied(tree)
        self.assertTrue(tree.read(store.CONF).startswith(content))

    def test_lines_that_are_not_understood(self):
        tree = self.small(worn=False)
        name = "mozilla/" + store.SIX[store.ONE]
        for line in ("! " + name, "!!" + name, " !" + name, "!" + name + " ", "!" + name + "\r", name + "\\", "#" + name):
            with self.subTest(line=line):
                text = "mozilla/Lab_One.crt\n" + line + "\n# end\n"
                tree.write(store.CONF, text)
                self.run_in(tree, "--apply", status=0)
                self.reached(tree, set(), set(), [])
                self.assertTrue(set(text.split("\n")) <= set(tree.read(store.CONF).decode().split("\n")))

    def test_a_base_name_in_two_folders(self):
        """The later file of two takes the link of the earlier: the earlier's authority gets a file of another name."""
        tree = self.small(worn=False)
        tree.write(f"{store.LOCAL}/{store.SIX[store.ONE]}", store.made("Lab Other"))
        tree.update()
        self.applied(tree)

    def test_a_name_that_is_taken(self):
        tree = self.small()
        tree.link("/nowhere", f"{store.CERTS}/AmazonRootCA4.pem")
        tree.write(f"{store.LOCAL}/sub/StarfieldClass2CertificationAuthority.crt", store.made("Lab Sub"))
        self.applied(tree)
        self.assertTrue(os.path.exists(tree.at(store.LOCAL + "/AmazonRootCA4-2.crt")))
        self.assertTrue(os.path.exists(tree.at(store.LOCAL + "/StarfieldClass2CertificationAuthority-2.crt")))

    def test_a_remainder(self):
        tree = self.small()
        tree.write(store.BUNDLE + ".new", tree.read(store.BUNDLE)[:1500])
        done = self.run_in(tree, status=5)
        self.assertIn(store.BUNDLE + ".new", [result["id"] for result in done.results])
        self.applied(tree)
        self.assertFalse(os.path.exists(tree.at(store.BUNDLE + ".new")))

    def test_a_remainder_that_is_a_link(self):
        tree = self.small()
        tree.write("/etc/precious", "precious")
        tree.link("/etc/precious", store.BUNDLE + ".new")
        self.applied(tree)
        self.assertFalse(os.path.lexists(tree.at(store.BUNDLE + ".new")))
        self.assertEqual(tree.read("/etc/precious"), b"precious")
        self.run_in(tree, "--rollback", "--apply", status=0)
        self.assertEqual(os.readlink(tree.at(store.BUNDLE + ".new")), "/etc/precious")

    def test_only_live_is_no_reason(self):
        tree = self.small(worn=False)
        tree.write(store.BUNDLE, tree.read(store.BUNDLE) + store.made("Lab Live"))
        self.run_in(tree, "--apply", status=0)
        self.assertEqual(os.listdir(tree.at(store.LOCAL)), ["Lab_Local.crt"])

    def test_missing_hash_links(self):
        tree = self.small(worn=False)
        for name in os.listdir(tree.at(store.CERTS)):
            if tree.directory() and name.endswith(".0") and store.certificates(tree.content(f"{store.CERTS}/{name}")):
                if store.fingerprint(store.pem(store.ONE).strip()) in store.certificates(tree.content(f"{store.CERTS}/{name}")):
                    os.unlink(tree.at(f"{store.CERTS}/{name}"))
        self.assertNotIn(store.fingerprint(store.pem(store.ONE).strip()), tree.directory())
        self.applied(tree)
        self.assertLessEqual(store.GOAL, tree.directory())

    def test_a_bundle_that_is_a_link_stays_one(self):
        tree = self.small()
        os.makedirs(tree.at("/etc/elsewhere"))
        os.rename(tree.at(store.BUNDLE), tree.at("/etc/elsewhere/all.crt"))
        os.chmod(tree.at("/etc/elsewhere/all.crt"), 0o640)
        tree.link("/etc/elsewhere/all.crt", store.BUNDLE)
        state = tree.state(skip=(store.STATE,))
        self.applied(tree)
        self.assertEqual(os.readlink(tree.at(store.BUNDLE)), "/etc/elsewhere/all.crt")
        self.assertEqual(stat.S_IMODE(os.stat(tree.at("/etc/elsewhere/all.crt")).st_mode), 0o640)
        self.run_in(tree, "--rollback", "--apply", status=0)
        self.assertEqual(tree.state(skip=(store.STATE,)), state)

    def test_a_bundle_behind_a_link_that_leads_nowhere_yet(self):
        tree = self.small()
        os.unlink(tree.at(store.BUNDLE))
        os.makedirs(tree.at("/var/cache/certs"))
        tree.link("../../../var/cache/certs/all.crt", store.BUNDLE)
        state = tree.state(skip=(store.STATE,))
        self.run_in(tree, "--apply", status=0)
        self.assertLessEqual(store.GOAL, tree.bundle())
        self.assertEqual(os.readlink(tree.at(store.BUNDLE)), "../../../var/cache/certs/all.crt")
        self.run_in(tree, "--rollback", "--apply", status=0)
        self.assertEqual(tree.state(skip=(store.STATE,)), state)

    def test_links_that_lead_out(self):
        """Inside, the way up ends at the root."""
        tree = self.small()
        outside = store.Tree(self.folder + "/outside")
        outside.write("/all.crt", tree.read(store.BUNDLE))
        outside.write("/ca.conf", tree.read(store.CONF))
        before = outside.state(times=True)
        for path, name in ((store.BUNDLE, "all.crt"), (store.CONF, "ca.conf")):
            os.makedirs(tree.at(outside.root), exist_ok=True)
            os.rename(tree.at(path), tree.at(f"{outside.root}/{name}"))
            tree.link("../" * 40 + f"{outside.root}/{name}"[1:], path)
        self.applied(tree)
        self.assertEqual(outside.state(times=True), before)

    def outside_and_inside(self, tree):
        """A certificate of this system's, and the image's own of the same name."""
        path = os.path.join(self.folder, "outside.crt")
        with open(path, "wb") as file:
            file.write(store.made("Lab Outside"))
        tree.write(path, store.made("Lab Inside"))
        return path

    def test_a_line_that_leads_out(self):
        """This system's tool would read this system's file, and put it into the image."""
        tree = self.small(worn=False)
        path = self.outside_and_inside(tree)
        tree.write(store.CONF, tree.read(store.CONF) + b"../" * 40 + path[1:].encode() + b"\n")
        os.unlink(tree.at(f"{store.PACKAGE}/mozilla/{store.SIX[store.ONE]}"))
        for words in ((), ("--apply",)):
            self.refuses(tree, *words, says=[f"{store.CONF}:{len(tree.lines()) - 1}: '../", "remove this line"])

    def test_a_line_with_a_way_up_that_stays_inside(self):
        tree = self.small()
        tree.write("/usr/share/other/lab.crt", store.made("Lab Other"))
        tree.write(store.CONF, b"../other/lab.crt\n" + tree.read(store.CONF))
        self.applied(tree)
        self.assertIn(store.fingerprint(store.made("Lab Other").strip()), tree.bundle())

    @kedge.rows([(store.LOCAL,), (store.PACKAGE,)])
    def a_link_in_a_linked_folder_that_leads_out(self, folder):
        tree = self.small()
        tree.link(self.outside_and_inside(tree), "/opt/certs/deep/lab.crt")
        tree.link("/opt/certs", folder + "/more")
        tree.write(store.CONF, b"more/deep/lab.crt\n" + tree.read(store.CONF))
        self.refuses(tree, "--apply", says=[folder + "/more/deep/lab.crt", "absolute link"])

    @kedge.rows([("missing", None), ("a link that leads nowhere", "/nowhere")])
    def without_configuration(self, says, target):
        """The next run of the tool would make a store without what is there: nothing is in it for good."""
        tree = self.small(worn=False)
        tree.write(store.TOOL, "#!/bin/sh\n", 0o755)
        os.unlink(tree.at(store.CONF))
        if target:
            tree.link(target, store.CONF)
        for words in ((), ("--apply",)):
            self.refuses(tree, *words, says=[store.CONF, says])

    @kedge.rows([("tmp",), ("backup",), ("journal",), ("lock",)])
    def a_link_in_the_state_folder(self, name):
        tree = self.small()
        outside = store.Tree(self.folder + "/outside")
        outside.write("/precious", "precious")
        before = outside.state(times=True)
        tree.link(outside.root + ("/precious" if name in ("journal", "lock") else ""), f"{store.STATE}/{name}")
        self.refuses(tree, "--apply", says=["symbolic link", name])
        self.assertEqual(outside.state(times=True), before)

    def test_owner_mode_and_attributes_of_the_bundle(self):
        tree = self.small()
        place = tree.at(store.BUNDLE)
        os.chmod(place, 0o664)
        has_attributes = True
        try:
            os.setxattr(place, "user.kedge", b"kept")
        except OSError:
            has_attributes = False
        if os.geteuid() == 0:
            os.chown(place, 12, 34)
        before = os.stat(place)
        self.applied(tree)
        now = os.stat(place)
        self.assertEqual((now.st_mode, now.st_uid, now.st_gid), (before.st_mode, before.st_uid, before.st_gid))
        if has_attributes:
            self.assertEqual(os.getxattr(place, "user.kedge"), b"kept")

    @BY_ROOT
    def test_an_image_of_somebody_else(self):
        tree = self.small()
        for place, folders, names in os.walk(tree.root):
            for name in [".", *folders, *names]:
                os.chown(os.path.join(place, name), 1234, 1234, follow_symlinks=False)
        self.applied(tree)
        for place, folders, names in os.walk(tree.root):
            for name in folders + names:
                path = os.path.join(place, name)
                self.assertEqual(os.lstat(path).st_uid, 1234, path)

    def test_links_that_lead_elsewhere_on_this_system(self):
        """Absolute links of the image mean its own files, also where this system has others of these names."""
        tree = self.small()
        outside = os.path.join(self.folder, "outside.crt")
        with open(outside, "wb") as file:
            file.write(store.made("Lab Outside"))
        tree.write(outside, store.made("Lab Inside"))
        tree.link(outside, store.LOCAL + "/linked.crt")
        tree.link("/opt/certs", store.LOCAL + "/more")
        tree.write("/opt/certs/further.crt", store.made("Lab Further"))
        tree.link(store.CONF, "/etc/other.conf")
        self.applied(tree)
        self.resolves(tree)
        found = {store.fingerprint(store.made(name).strip()): name for name in ("Lab Outside", "Lab Inside", "Lab Further")}
        self.assertEqual({found[one] for one in tree.bundle() if one in found}, {"Lab Inside", "Lab Further"})
        self.assertEqual(os.readlink(tree.at(store.LOCAL + "/linked.crt")), outside)
        self.assertEqual(os.readlink(tree.at(store.LOCAL + "/more")), "/opt/certs")

    def test_the_configuration_is_an_absolute_link(self):
        tree = self.small()
        os.makedirs(tree.at("/etc/local"))
        os.rename(tree.at(store.CONF), tree.at("/etc/local/ca.conf"))
        tree.link("/etc/local/ca.conf", store.CONF)
        self.applied(tree)
        self.assertEqual(os.readlink(tree.at(store.CONF)), "/etc/local/ca.conf")

    def test_links_where_others_may_write(self):
        tree = self.small()
        os.makedirs(tree.at("/srv/shared"))
        os.chmod(tree.at("/srv/shared"), 0o777)
        os.rename(tree.at(store.CONF), tree.at("/etc/real.conf"))
        tree.link("/srv/shared/ca.conf", store.CONF)
        tree.link("/etc/real.conf", "/srv/shared/ca.conf")
        self.refuses(tree, "--apply", says="in which others may write")

    @BY_ROOT
    def test_a_link_in_a_folder_of_somebody_else(self):
        """Who owns the folder chooses what is written, whatever the folder's mode."""
        tree = self.small()
        tree.write("/etc/victim", tree.read(store.BUNDLE))
        tree.link("/etc/victim", store.BUNDLE)
        os.chown(tree.at(store.CERTS), 1234, 1234)
        self.refuses(tree, "--apply", says=["symbolic link", "in which others may write"])

    @kedge.rows([("a backslash", "a\\b.crt"), ("a line break", "a\nb.crt")])
    def a_name_that_the_tool_misreads(self, _, name):
        tree = self.small()
        tree.write(f"{store.LOCAL}/{name}", store.made("Lab Odd"))
        for words in ((), ("--apply",)):
            self.refuses(tree, *words, says=[store.LOCAL, "rename it"])

    def test_links_in_a_circle(self):
        tree = self.small()
        tree.link("circle.pem", store.CERTS + "/circle.pem")
        tree.link("round.crt", store.LOCAL + "/round.crt")
        self.applied(tree)

    @kedge.rows([("alpine",), ("buildroot",), ("raspbian",)])
    def with_the_same_tool(self, name):
        tree = self.small()
        tree.write("/etc/os-release", f"ID={name}\n")
        self.applied(tree)
        self.resolves(tree)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_state_beside_the_store(self):
        tree = self.small()
        os.chmod(self.folder, 0o755)
        shutil.rmtree(tree.at("/var/lib/dpkg"))
        subprocess.run(["chown", "-hR", f"{NOBODY}:{NOBODY}", tree.at("/etc"), tree.at("/usr")], check=True)
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        before = tree.read(store.CONF)
        self.assertEqual(kedge.run("ca-update", "--root", tree.root, "--apply", **user).status, 0)
        self.reached(tree, set(), set(), [])
        self.assertEqual(os.listdir(tree.at("/etc/ssl/.kedge/backup")), ["1"])
        self.assertEqual(kedge.run("ca-update", "--root", tree.root, "--rollback", "--apply", **user).status, 0)
        self.assertEqual(tree.read(store.CONF), before)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_rollback_by_a_user_who_may_not(self):
        tree = self.small()
        os.chmod(self.folder, 0o755)
        self.run_in(tree, "--apply", status=0)
        done = kedge.run("ca-update", "--root", tree.root, "--rollback", user=NOBODY, group=NOBODY, extra_groups=[])
        self.assertEqual(done.status, 3, str(done))
        self.assertIn("sudo kedge ca-update", done.err)

    def test_hooks_of_an_image_do_not_run_here(self):
        tree = self.small()
        marker = self.folder + "/ran"
        tree.write("/etc/ca-certificates/update.d/hook", f"#!/bin/sh\ntouch {marker}\n", 0o755)
        self.applied(tree)
        self.assertFalse(os.path.exists(marker))

    def test_from_a_file(self):
        tree = self.small()
        path = self.folder + "/four.pem"
        with open(path, "wb") as file:
            file.write(store.pem(store.FOUR))
        self.applied(tree, "--from", path, goal={store.fingerprint(store.pem(store.FOUR).strip())})

    def test_a_source_that_is_refused(self):
        tree = self.small()
        path = self.folder + "/other.pem"
        with open(path, "wb") as file:
            file.write(store.made("Lab Other"))
        self.refuses(tree, "--from", path, "--apply", says=path)

    def test_a_path_that_the_tool_cannot_be_given(self):
        tree = store.small(self.folder + "/plain")
        odd = store.Tree(self.folder + "/a card").copy_from(tree)
        self.refuses(odd, "--apply", says=["spaces", "a card"])

    def test_an_interrupted_run_is_reported_without_apply(self):
        tree = self.small()
        self.run_in(tree, "--apply", status=0)
        tree.write(store.STATE + "/journal", "kedge.journal/1 begun 1\n")
        done = self.run_in(tree, status=5)
        self.assertEqual([result["id"] for result in done.results], ["interrupted"])
        done = self.run_in(tree, "--apply", status=0)
        self.assertIn("rolled back", done.results[0]["message"])
        tree.write(store.STATE + "/journal", "kedge.journal/1 verified 2\n")
        self.assertIn("finished", self.run_in(tree, "--apply", status=0).results[0]["message"])

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_a_user_without_permission(self):
        tree = self.small()
        os.chmod(self.folder, 0o755)
        state = tree.state(times=True)
        done = kedge.run("ca-update", "--root", tree.root, "--apply", user=NOBODY, group=NOBODY, extra_groups=[])
        self.assertEqual((done.status, done.err.count("\n")), (3, 1), str(done))
        self.assertIn(f"sudo kedge ca-update --root {tree.root} --apply", done.err)
        self.assertEqual(tree.state(times=True), state)
        done = kedge.run("ca-update", "--root", tree.root, user=NOBODY, group=NOBODY, extra_groups=[])
        self.assertEqual(done.status, 5, str(done))

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_a_user_with_an_image_of_his_own(self):
        tree = self.small()
        os.chmod(self.folder, 0o755)
        subprocess.run(["chown", "-hR", f"{NOBODY}:{NOBODY}", tree.root], check=True)
        done = kedge.run("ca-update", "--root", tree.root, "--apply", user=NOBODY, group=NOBODY, extra_groups=[])
        self.assertEqual(done.status, 0, str(done))
        self.reached(tree, set(), set(), [])


class ByHand(Update):
    """Stores that no tool makes."""

    def test_a_bare_bundle(self):
        tree = store.bare(self.folder + "/tree")
        before = tree.read("/etc/ssl/cert.pem")
        self.applied(tree, path="/etc/ssl/cert.pem")
        self.assertTrue(tree.read("/etc/ssl/cert.pem").startswith(before + b"\n-----BEGIN"))
        self.run_in(tree, "--rollback", "--apply", status=0)
        self.assertEqual(tree.read("/etc/ssl/cert.pem"), before)

    def test_a_bare_folder_with_hash_links(self):
        tree = store.Tree(self.folder + "/tree")
        for name in (store.ONE, store.TWO):
            tree.write(f"{store.CERTS}/{name}.pem", store.pem(name))
        subprocess.run(["openssl", "rehash", tree.at(store.CERTS)], check=True, capture_output=True)
        self.run_in(tree, "--apply", status=0)
        self.assertEqual(tree.directory(), store.GOAL)
        self.run_in(tree, status=0)
        self.run_in(tree, "--rollback", "--apply", status=0)
        self.assertEqual(len(os.listdir(tree.at(store.CERTS))), 4)

    def test_buildroot_with_bundle_and_links_only(self):
        tree = store.Tree(self.folder + "/tree")
        tree.write("/etc/os-release", "NAME=Buildroot\nID=buildroot\n")
        tree.write(store.BUNDLE, store.pem(store.SERVICES) + store.made("Lab One"))
        self.applied(tree)

    def test_no_layout(self):
        os.makedirs(self.folder + "/tree/etc")
        self.refuses(store.Tree(self.folder + "/tree"), "--apply", says=["no trust store", self.folder])

    @kedge.rows([("openwrt", "opkg install"), ("fedora", "update-ca-trust")])
    def of_another_kind(self, name, command):
        tree = store.Tree(self.folder + "/tree")
        tree.write("/etc/os-release", f"ID={name}\n")
        if name == "fedora":
            tree.write("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", store.pem(store.ONE))
            os.makedirs(tree.at("/etc/pki/ca-trust/source/anchors"))
        else:
            tree.write(store.BUNDLE, store.pem(store.ONE).rstrip())
        done = self.run_in(tree, status=5)
        said = done.results[0]["values"]["command"]
        self.assertIn(command, said)
        self.assertEqual(said.count("BEGIN CERTIFICATE"), 5)
        self.refuses(tree, "--apply", says=["without --apply"])
        if name == "openwrt":
            subprocess.run(["sh", "-ec", said.split("\n", 1)[1].replace("/etc/", tree.root + "/etc/")], check=True)
            self.run_in(tree, status=0)
            self.assertEqual(tree.bundle(), store.GOAL)
            self.assertNotIn("ln -s", said, "there is no folder with links")
            subprocess.run(["openssl", "rehash", tree.at(store.CERTS)], check=True, capture_output=True)
            tree.write(f"{store.CERTS}/AmazonRootCA4.crt", store.made("Lab Other"))
            tree.write(f"{store.CERTS}/one.crt", store.pem(store.ONE))
            subprocess.run(["openssl", "rehash", tree.at(store.CERTS)], check=True, capture_output=True)
            said = self.run_in(tree, status=5).results[0]["values"]["command"]
            self.assertIn("ln -s AmazonRootCA4.crt", said)
            self.assertNotIn("ca-certificates.crt", said)
            return
        path = "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem" if name == "fedora" else store.BUNDLE
        tree.write(path, b"".join(store.pem(one) for one in store.SIX))
        self.run_in(tree, status=0)


PROGRAMS = ("sh", "sed", "mktemp", "rm", "ln", "readlink", "test", "basename", "find", "sort", "wc", "openssl", "chmod", "mv", "cat",
            "run-parts", "touch")  # fmt: skip


def with_programs(tree, tool=store.TOOL):
    """An image that can run its own tool."""
    os.makedirs(tree.at("/bin"))
    os.makedirs(tree.at("/dev"))
    os.makedirs(tree.at("/usr/sbin"))
    os.symlink("../bin", tree.at("/usr/bin"))
    os.mknod(tree.at("/dev/null"), 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    libraries = set()
    for name in PROGRAMS:
        place = shutil.which(name)
        shutil.copy(place, tree.at("/bin/" + name))
        libraries.update(word for word in subprocess.run(["ldd", place], capture_output=True, text=True, check=False).stdout.split()
                         if word.startswith("/"))  # fmt: skip
    for library in libraries:
        os.makedirs(tree.at(os.path.dirname(library)), exist_ok=True)
        shutil.copy(library, tree.at(library))
    shutil.copy(tool, tree.at(store.TOOL))
    return tree


@BY_TOOL
@BY_ROOT
class Chroot(Update):
    """An image that can run its own tool does so, in its own root."""

    def setUp(self):
        super().setUp()
        try:
            self.tree = with_programs(self.small())
        except PermissionError as error:
            self.skipTest(f"no devices can be made here: {error}")

    def test_apply(self):
        self.tree.write("/etc/ca-certificates/update.d/hook", "#!/bin/sh\ntouch /ran-inside\n", 0o755)
        done = self.run_in(self.tree, status=5)
        command = next(result for result in done.results if result["id"] == "command")["values"]["command"]
        self.assertEqual(command, f"chroot {self.tree.root} {store.TOOL}")
        self.applied(self.tree)
        self.assertTrue(os.path.exists(self.tree.at("/ran-inside")))
        self.resolves(self.tree)

    def test_a_path_with_spaces(self):
        other = self.folder + "/a card"
        os.rename(self.tree.root, other)
        self.applied(store.Tree(other))

    def tool(self, script):
        self.tree.write(store.TOOL, "#!/bin/sh\n" + script, 0o755)

    def fails(self, *words, says):
        state = self.tree.state(skip=(store.STATE, "/reached"))
        done = self.run_in(self.tree, "--apply", *words, status=3)
        outcome = self.outcome(done)
        for part in says:
            self.assertIn(part, outcome["message"] + outcome["values"].get("output", ""))
        self.assertIn("rolled back", outcome["message"])
        self.assertEqual(self.tree.state(skip=(store.STATE, "/reached")), state)
        return outcome

    def test_a_tool_that_fails(self):
        self.tool("echo >>/reached\necho something is odd >&2\nexit 7\n")
        self.fails(says=["status 7", "something is odd"])
        self.assertEqual(self.tree.read("/reached"), b"\n", "it was run again")

    def test_a_hook_that_fails(self):
        self.tree.write("/etc/ca-certificates/update.d/hook", "#!/bin/sh\nexit 3\n", 0o755)
        found = {result["id"]: result for result in self.applied(self.tree).results}
        self.assertEqual((found["hooks"]["status"], found["update"]["status"]), ("warn", "ok"))
        self.assertIn("hook exited with code 3", found["hooks"]["message"])

    def test_a_hook_that_starts_a_daemon(self):
        """It inherits kedge's lock, as everything does that the tool starts; nobody has to wait for it."""
        os.mkfifo(self.tree.at("/pipe"))
        self.addCleanup(lambda: os.close(os.open(self.tree.at("/pipe"), os.O_RDWR)))
        self.tree.write("/etc/ca-certificates/update.d/hook", "#!/bin/sh\ncat </pipe >/dev/null 2>&1 &\n", 0o755)
        self.applied(self.tree)
        os.unlink(self.tree.at(LOCAL_NAMES[store.FOUR]))
        self.applied(self.tree)

    def test_hooks_know_that_the_lock_of_dpkg_is_taken(self):
        self.tree.write("/etc/ca-certificates/update.d/hook", '#!/bin/sh\necho "$DPKG_FRONTEND_LOCKED" >/locked\n', 0o755)
        self.applied(self.tree)
        self.assertEqual(self.tree.read("/locked"), b"true\n")

    def test_a_store_that_never_comes_to_rest(self):
        """Three runs at most; then it is said."""
        os.rename(self.tree.at(store.TOOL), self.tree.at(store.TOOL + ".real"))
        self.tree.write("/extra", store.made("Lab Extra"))
        self.tool(f"{store.TOOL}.real && cat /extra >>{store.BUNDLE} && echo >>/runs\n")
        done = self.run_in(self.tree, "--apply", status=0)
        outcome = self.outcome(done)
        self.assertEqual((outcome["status"], outcome["code"], outcome["values"]["runs"]), ("warn", "local.tool_failed", 3))
        self.assertIn("after 3 runs", outcome["message"])
        self.assertIn("Lab Extra is in the bundle as well", outcome["message"])
        self.assertEqual(self.tree.read("/runs"), b"\n" * 3)
        self.assertLessEqual(store.GOAL, self.tree.bundle())

    def test_a_store_that_others_keep_changing(self):
        """Another authority each time, which is none of the tool's doing."""
        os.rename(self.tree.at(store.TOOL), self.tree.at(store.TOOL + ".real"))
        for number, name in enumerate(("Lab First", "Lab Second", "Lab Third")):
            self.tree.write(f"/extra/{number}", store.made(name))
        self.tool(f"{store.TOOL}.real && cd /extra && for i in *; do cat $i >>{store.BUNDLE}; rm $i; break; done\n")
        outcome = self.outcome(self.run_in(self.tree, "--apply", status=0))
        self.assertEqual((outcome["status"], outcome["code"], outcome["values"]["runs"]), ("warn", "local.busy", 3))
        self.assertIn("somebody else keeps changing the store", outcome["message"])

    def test_a_tool_that_drops_its_work(self):
        """What was there is, but not what the configuration says."""
        self.tree.write(store.LOCAL + "/lab.crt", store.made("Lab New"))
        os.rename(self.tree.at(store.TOOL), self.tree.at(store.TOOL + ".real"))
        self.tool(f"mv {store.LOCAL}/lab.crt /lab.crt; {store.TOOL}.real; mv /lab.crt {store.LOCAL}/lab.crt\n")
        outcome = self.outcome(self.run_in(self.tree, "--apply", status=0))
        self.assertEqual((outcome["status"], outcome["code"]), ("warn", "local.tool_failed"))
        self.assertIn("Lab New is missing in the bundle", outcome["message"])

    def test_a_run_that_is_disturbed_once(self):
        os.rename(self.tree.at(store.TOOL), self.tree.at(store.TOOL + ".real"))
        self.tool(f"{store.TOOL}.real && test -e /disturbed || cat {store.PACKAGE}/mozilla/Lab_One.crt >{store.BUNDLE}; echo >/disturbed\n")
        self.assertEqual(self.outcome(self.applied(self.tree))["values"]["runs"], 2)

    def test_failed_runs_do_not_use_up_the_backups(self):
        with_tool = self.tree.read(store.TOOL)
        self.run_in(self.tree, "--apply", status=0)
        os.unlink(self.tree.at(LOCAL_NAMES[store.FOUR]))
        for _ in range(4):
            self.tool("exit 1\n")
            self.run_in(self.tree, "--apply", status=3)
        self.assertEqual(os.listdir(self.tree.at(store.STATE) + "/backup"), ["1"])
        self.tree.write(store.TOOL, with_tool, 0o755)
        self.applied(self.tree)

    def test_a_tool_that_hangs(self):
        self.tool("echo waiting for nothing\nwhile :; do mktemp -u >/dev/null; done\n")
        self.fails("--tool-timeout", "1", says=["did not end", "waiting for nothing"])

    def test_its_words_are_shown(self):
        """Its last 20 lines, as lines, once."""
        self.tool("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do echo odd $i; done\necho really >&2\n"
                  "printf '\\033[2J last\\n'\nexit 7\n")  # fmt: skip
        done = kedge.run("ca-update", "--root", self.tree.root, "--apply")
        self.assertIn("\nodd 2\nodd 3\n", done.out)
        self.assertIn("\nodd 19\nreally\n\\x1b[2J last\n", done.out)
        self.assertNotIn("odd 1\n", done.out)
        self.assertEqual(done.out.count("really"), 1)
        self.assertIn("then run it again", " ".join(done.out.split()))

    def test_an_interrupt(self):
        """The tool is stopped, everything goes back, and kedge dies by the signal."""
        self.tool("echo >/reached\nwhile :; do mktemp -u >/dev/null; done\n")
        state = self.tree.state(skip=(store.STATE, "/reached"))
        process = kedge.start("ca-update", "--root", self.tree.root, "--apply", stdin=subprocess.DEVNULL)
        self.addCleanup(kedge.stop, process)
        while not os.path.exists(self.tree.at("/reached")):
            self.assertIsNone(process.poll(), "it ended before")
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=kedge.GUARD)
        self.assertEqual(process.returncode, -signal.SIGINT, err)
        self.assertIn("rolled back", " ".join(out.decode().split()))
        self.assertEqual(self.tree.state(skip=(store.STATE, "/reached")), state)

    def test_an_image_whose_programs_do_not_start(self):
        for name in os.listdir(self.tree.at("/lib64")):
            os.unlink(self.tree.at("/lib64/" + name))
        done = self.applied(self.tree)
        command = next(result for result in done.results if result["id"] == "command")["values"]["command"]
        self.assertIn("--etccertsdir", command)
        self.resolves(self.tree)

    def test_a_tool_that_does_nothing(self):
        """As an old one that prints its usage and exits with 0."""
        self.tool("echo usage\nexit 0\n")
        self.fails(says=["Amazon Root CA"])

    def test_a_tool_that_loses_authorities(self):
        self.tool(f"cat {store.LOCAL}/*.crt {store.PACKAGE}/mozilla/Amazon*.crt >{store.BUNDLE}.t\nmv {store.BUNDLE}.t {store.BUNDLE}\n")
        outcome = self.fails(says=["would be lost", "Lab One"])
        self.assertEqual(outcome["status"], "fail")

    def test_a_tool_that_damages_the_bundle(self):
        self.tool(f"echo garbage >{store.BUNDLE}\n")
        self.fails(says=["would be lost"])


@BY_TOOL
class Live(Update):
    """This system itself, as seen in a mount namespace in which a tree lies over its folders."""

    over = ("/etc", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/var/lib")

    def setUp(self):
        super().setUp()
        if store.cannot_mount():
            self.skipTest(f"no mount namespace here: {store.cannot_mount()}")
        self.tree = store.live(self.small())

    def live(self, *words, status, read_only=None):
        places = {path: self.tree.at(path) for path in self.over}

        def prepare():
            store.mount_over(places)
            if read_only:
                store.mount(None, read_only, flags=store.REMOUNT | store.BIND | store.READ_ONLY)

        done = kedge.run("ca-update", *words, "-f", "json", preexec_fn=prepare, stdin=subprocess.DEVNULL)
        self.assertEqual(done.status, status, str(done))
        return done

    def test_live(self):
        state = self.tree.state(skip=(store.STATE,))
        bundle, directory, lines = self.tree.bundle(), self.tree.directory(), self.tree.lines()
        self.tree.write("/etc/ca-certificates/update.d/hook", "#!/bin/sh\ncat >/etc/hook-saw\n", 0o755)
        self.assertEqual(self.live(status=5).results[-1]["values"]["command"], "update-ca-certificates")
        done = self.live("--apply", status=0)
        self.assertIn("restarted", self.outcome(done)["remedy"])
        self.reached(self.tree, bundle, directory, lines)
        self.assertIn(b"AmazonRootCA4.pem", self.tree.read("/etc/hook-saw"))
        self.live(status=0)
        self.live("--rollback", "--apply", status=0)
        os.unlink(self.tree.at("/etc/hook-saw"))
        os.unlink(self.tree.at("/etc/ca-certificates/update.d/hook"))
        self.assertEqual(self.tree.state(skip=(store.STATE,)), state)


    def test_a_read_only_var(self):
        """Nobody can take dpkg's lock there, nor keep a state."""
        bundle, directory, lines = self.tree.bundle(), self.tree.directory(), self.tree.lines()
        self.live("--apply", status=0, read_only="/var/lib")
        self.reached(self.tree, bundle, directory, lines)
        self.assertEqual(os.listdir(self.tree.at("/etc/ssl/.kedge/backup")), ["1"])
        self.live("--rollback", "--apply", status=0, read_only="/var/lib")
        self.assertEqual(self.tree.lines(), lines)


class Words(kedge.Test):
    @kedge.rows([
        ("two sources", ("--from", "/x", "--fetch"), "--from and --fetch"),
        ("rollback with a source", ("--rollback", "--fetch"), "--rollback"),
        ("timeout", ("--tool-timeout", "soon"), "--tool-timeout"),
    ])  # fmt: skip
    def usage(self, _word, words, says):
        self.refused("ca-update", *words, says=says, exit_status=2)

    def test_no_such_root(self):
        self.refused("ca-update", "--root", "/nowhere/at/all", says="/nowhere/at/all", exit_status=3)


if __name__ == "__main__":
    unittest.main()
