"""`inkling model`: models from other programs, and where their parsers live."""
import random
import subprocess

import service

DONE, FAILED, USAGE = 0, 1, 2
GOLDEN = service.ROOT / "tests" / "golden" / "data"
PICTURE = service.ROOT / "tests" / "fuzz" / "corpus" / "picture" / "colour.png"


def claim_a_keras_model_names_pictures(shell):
    """`model import` takes a .keras or .h5 file, and a server that runs takes the model up by itself"""
    names = shell.file("names.txt", "shirt\nboot\nbag\n")
    with service.Service(shell.binary, shell.data) as server:
        assert server.ask("POST", "/v1/images/classify", PICTURE.read_bytes(), Content_Type="image/png").status == 409
        said = shell(DONE, "model", "import", "--data", shell.data, "--names", names, GOLDEN / "small.keras").stdout
        version = said.split("model ")[-1].split()[0]
        assert (shell.data / "models" / f"{version}.safetensors").exists(), said
        service.wait_until(lambda: server.ask("POST", "/v1/images/classify", PICTURE.read_bytes(), Content_Type="image/png").status == 200, "the model answers")
        answer = server.ask("POST", "/v1/images/classify", PICTURE.read_bytes(), Content_Type="image/png").json()
        assert version in str(answer) and all(name in str(answer) for name in ("shirt", "boot", "bag")), answer
        listed, = server.ask("GET", "/v1/models").json()["models"]
        assert (listed["version"], listed["kind"], listed["state"]) == (version, "pictures", "live"), listed
        assert listed["facts"]["origin"] == "imported" and listed["facts"]["categories"][0] == {"name": "shirt"}, listed
    assert version in shell(DONE, "model", "import", "--data", shell.data, "--names", names, GOLDEN / "small.h5").stdout


def claim_picture_models_are_rolled_back_for_good(shell):
    """Imported without a server and beside one, both are listed; the older one is activated, and answers also when the files' times say otherwise after a restart"""
    def version_of(*arguments):
        said = shell(DONE, "model", "import", "--data", shell.data, *arguments, GOLDEN / "small.keras").stdout
        return said.split("model ")[-1].split()[0], said

    def naming(server):
        return server.ask("POST", "/v1/images/classify", PICTURE.read_bytes(), Content_Type="image/png").json().get("model_version")

    first, said = version_of()
    assert "live: the next" in said, said
    with service.Service(shell.binary, shell.data) as server:
        assert naming(server) == first
        second, said = version_of("--names", shell.file("names.txt", "shirt\nboot\nbag\n"))
        service.wait_until(lambda: naming(server) == second, "the second model answers")
        _, said = version_of()
        assert f"/v1/models/{first}/activate" in said, said
        assert server.ask("POST", f"/v1/models/{first}/activate").json()["state"] == "live"
        assert naming(server) == first
    (shell.data / "models" / f"{second}.safetensors").touch()
    with service.Service(shell.binary, shell.data) as server:
        assert naming(server) == first
        rows = {row["version"]: row["state"] for row in server.ask("GET", "/v1/models").json()["models"]}
        assert rows == {first: "live", second: "ready"}, rows


def claim_model_has_wrong_usage(shell):
    """`model` without or with wrong words: exit code 2 and a sentence; a file that is none: 1 and its reason; help on standard output"""
    for arguments in (["model"], ["model", "eat"], ["model", "import"], ["model", "import", "--data", shell.data], ["model", "import", GOLDEN / "small.keras"],
                      ["model", "export", "--data", shell.data, "p0123456789abcdef"], ["model", "export", "--data", shell.data, "--format", "onnx", "--output", "o"],
                      ["model", "export", "--data", shell.data, "--format", "csv", "--output", "o", "p0123456789abcdef"],
                      ["model", "import", "--data", shell.data, "one", "two"], ["model", "import", "--data", shell.data, "--colour", "one"]):
        done = shell(USAGE, *arguments)
        assert done.stderr.strip() and not done.stdout.strip(), f"{arguments}: {done.stdout!r} {done.stderr!r}"
    assert "neither a .keras" in shell(FAILED, "model", "import", "--data", shell.data, GOLDEN / "keras.json").stderr
    short = shell.file("names.txt", "shirt\nboot\n")
    assert "2 lines; the model has 3 categories" in shell(FAILED, "model", "import", "--data", shell.data, "--names", short, GOLDEN / "small.keras").stderr
    assert not list(shell.data.glob("models/*")), "something was written"
    for arguments in (["help", "model"], ["model", "--help"], ["model", "import", "--help"]):
        said = shell(DONE, *arguments).stdout
        assert "--data" in said and all(len(line) <= 120 for line in said.splitlines()), said


def claim_damaged_keras_files_end_a_process_of_their_own(shell):
    """Keras files with bytes changed: exit code 0 or 1, and in the second case a reason; what breaks then is HDF5, in its own process"""
    made = random.Random(5)
    for name, rounds in (("small.h5", 24), ("small.keras", 16)):
        whole = (GOLDEN / name).read_bytes()
        for number in range(rounds):
            damaged = bytearray(whole)
            for _ in range(1 + number % 4):
                damaged[made.randrange(len(whole) if number % 2 else 4096)] = made.randrange(256)
            done = service.run(shell.binary, "model", "import", "--data", shell.data, shell.file(name, bytes(damaged)))
            assert done.returncode in (DONE, FAILED), f"{name}, round {number}: {done.returncode} {done.stderr[-800:]}"
            said = done.stderr.splitlines()
            assert done.returncode == DONE or said[-1].startswith("inkling model: "), f"{name}, round {number}: {done.stderr[-800:]}"
            assert len(said) <= 1 or any("libhdf5" in line for line in said[:8]), f"{name}, round {number}: a finding of a sanitizer in inkling: {done.stderr[:800]}"


def claim_parsers_of_other_programs_are_not_in_inkling(shell):
    """inkling is not linked with HDF5, zip or protobuf; inkling-model, a process for one file, is"""
    def needed(binary):
        done = subprocess.run(["readelf", "-d", binary], capture_output=True, text=True, check=True)
        return [line for line in done.stdout.splitlines() if "NEEDED" in line and any(word in line for word in ("hdf5", "libzip", "protobuf"))]

    assert not needed(shell.binary), needed(shell.binary)
    assert needed(shell.binary + "-model")


def claim_model_says_when_its_program_is_missing(shell):
    """Without inkling-model beside it, `inkling model import` says what is missing"""
    alone = shell.folder / "inkling"
    alone.write_bytes(open(shell.binary, "rb").read())
    alone.chmod(0o755)
    done = service.run(alone, "model", "import", "--data", shell.data, GOLDEN / "small.keras")
    assert done.returncode == FAILED and "inkling-model" in done.stderr, f"{done.returncode} {done.stderr}"


def claim_a_model_is_exported_whole_or_not_at_all(shell):
    """`model export` copies a model's file; one that is damaged or not there is not given away, and an older output stays as it was"""
    shell(DONE, "model", "import", "--data", shell.data, GOLDEN / "small.keras")
    model, = (shell.data / "models").glob("p*.safetensors")
    output = shell.folder / "copy"
    shell(DONE, "model", "export", "--data", shell.data, model.stem, "--format", "safetensors", "--output", output)
    assert output.read_bytes() == model.read_bytes()
    output.write_text("older")
    model.chmod(0o640)
    damaged = bytearray(model.read_bytes())
    damaged[-1] ^= 1
    model.write_bytes(damaged)
    for form in ("safetensors", "onnx"):
        for version, words in ((model.stem, "damaged"), ("p0123456789abcdef", "p0123456789abcdef"), ("../inkling", "no version")):
            said = shell(FAILED, "model", "export", "--data", shell.data, version, "--format", form, "--output", output).stderr
            assert words in said, said
    assert "only picture models" in shell(FAILED, "model", "export", "--data", shell.data, "m0123456789abcdef", "--format", "onnx", "--output", output).stderr
    assert output.read_text() == "older" and sorted(path.name for path in shell.folder.iterdir()) == ["copy", "data"]
