import dataclasses

import msgspec
import pytest

from opscope.core.configuration import Configuration, Precision, Workload
from opscope.core.measurement import Measurement
from opscope.core.platform import Origin, PlatformInfo
from opscope.core.record import digest, from_json, to_json
from opscope.core.study import Job, MeterName, Protocol, Study
from opscope.core.trial import trial_key
from opscope.errors import ConfigurationError, InputError, OpscopeError

FIELDS = {"quantity": "latency_s", "unit": "s", "origin": Origin.MEASURED, "derivation": "test"}


def info(**changes):
    facts = {
        "name": "p",
        "family": "f",
        "device": "d",
        "runtime": "r",
        "runtime_version": "1",
        "precisions": (Precision.FP32,),
        "quantities": ("latency_s",),
        "origin": Origin.MEASURED,
        "deployments": "timed",
    }
    return PlatformInfo(**{**facts, **changes})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_figure_that_json_cannot_carry_is_refused(value):
    with pytest.raises(ValueError, match="must be finite"):
        Measurement(value=value, **FIELDS)
    with pytest.raises(ValueError, match="interval of latency_s must be finite"):
        Measurement(value=1.0, interval=(0.0, value), **FIELDS)


def test_a_measurement_survives_json():
    measurement = Measurement(value=1.5, interval=(1.0, 2.0), **FIELDS)
    assert from_json(to_json(measurement), Measurement) == measurement


def test_records_are_frozen_and_reject_unknown_fields():
    measurement = Measurement(value=1.0, **FIELDS)
    with pytest.raises(AttributeError):
        measurement.value = 2.0
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        from_json(to_json(measurement).replace('"unit"', '"unti":1,"unit"'), Measurement)
    assert not dataclasses.is_dataclass(measurement)


def test_a_digest_depends_on_every_part_and_on_nothing_else():
    assert digest("a", 1) == digest("a", 1)
    assert len({digest("a", 1), digest("a", 2), digest("b", 1), digest("a1")}) == 4
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


@pytest.mark.parametrize(
    "changes",
    [
        {"device": "other"},
        {"runtime": "other"},
        {"runtime_version": "2"},
        {"name": "p:threads=2"},
        {"instruction_set": ("avx2",)},
        {"threads": 2},
    ],
)
def test_the_fingerprint_changes_with_what_figures_depend_on(changes):
    assert info().fingerprint != info(**changes).fingerprint


def test_the_key_of_a_trial_changes_with_everything_it_was_made_from():
    job = Job(workload=Workload.parse("conv:h=8@fp32"), platform="p")
    other = Job(workload=Workload.parse("conv:h=9@fp32"), platform="p")
    keys = {
        trial_key(job, info(), Protocol(), 0, {"graph": 1}),
        trial_key(other, info(), Protocol(), 0, {"graph": 1}),
        trial_key(job, info(device="other"), Protocol(), 0, {"graph": 1}),
        trial_key(job, info(), Protocol(rounds=30), 0, {"graph": 1}),
        trial_key(job, info(), Protocol(), 1, {"graph": 1}),
        trial_key(job, info(), Protocol(), 0, {"graph": 2}),
    }
    assert len(keys) == 6


def test_copies_are_part_of_the_key_and_without_any_it_is_what_it_was_before():
    def key(text):
        job = Job(workload=Workload.parse(text), platform="p")
        return trial_key(job, info(), Protocol(), 0, {"graph": 1})

    texts = [f"conv:h=8@fp32,batch=2{copies}" for copies in ("", ",copies=2", ",copies=8")]
    assert len({key(text) for text in (*texts, "conv:h=8@fp32,batch=8")}) == 4
    plain = Workload.parse(texts[0])
    before = (plain.configuration.digest, plain.precision, plain.batch, info().fingerprint)
    assert key(texts[0]) == digest(*before, MeterName(), Protocol(), 0, {"graph": 1})


def test_a_file_is_known_by_its_content_wherever_it_lies():
    def key(path, content):
        configuration = Configuration(kind="file", name=path, content=content)
        job = Job(workload=Workload(configuration=configuration), platform="p")
        return trial_key(job, info(), Protocol(), 0, {})

    assert key("a.onnx", "1") == key("moved/a.onnx", "1") != key("a.onnx", "2")


def test_wording_does_not_make_another_study_but_the_protocol_does():
    fields = {"name": "n", "title": "t", "question": "q", "spaces": ()}
    study = Study(**fields)
    assert study.digest == Study(**{**fields, "title": "other"}).digest
    assert study.digest != Study(**fields, protocol=Protocol(rounds=30)).digest


def test_an_error_says_what_where_and_what_to_do():
    error = ConfigurationError("groups must divide cin", where="conv(cin=30)", remedy="Use 3.")
    assert str(error) == "conv(cin=30): groups must divide cin. Use 3."
    wider = error.at("study.toml")
    assert str(wider) == "study.toml: conv(cin=30): groups must divide cin. Use 3."
    assert isinstance(wider, ConfigurationError)
    assert issubclass(ConfigurationError, InputError)
    assert str(OpscopeError("done?")) == "done?"
