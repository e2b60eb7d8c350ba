"""Campaigns as their user sees them: failures stay where they are, work is shared, results are a table."""

import json
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipp as sc

from caloris.campaigns import Campaign, History, Point
from caloris.campaigns.folder import Folder
from caloris.campaigns.live import Account, duration, progress_table
from caloris.campaigns.run import Run
from caloris.campaigns.worker import Order, work
from caloris.errors import ComputationError, InputError

TROUBLES = {
    "raises": "atoms lost: 3 of 200",
    "leaves": "SystemExit: 3",
    "fails once": "OSError: [Errno 28] No space left on device",
    "nan": "the output energy.value is nan, not a finite number",
    "null": "the output energy.value is null or nan, not a finite number",
    "infinite error": "the output energy.error is inf, not a finite number",
    "no number": "the output energy.value is 'high', not a number",
    "no unit": "the output energy.unit: 'quux' is not a unit; write for example 'MPa', 'K', 'min' or 'J/kg/K'",
    "no outputs": "the task returned a int, not a dict of outputs",
    "no JSON": "the output energy is a set, which JSON cannot hold",
}


@pytest.fixture(scope="module")
def cluster() -> Any:
    """Threads of this process: what is tested here needs no worker processes."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0", silence_logs=50
    ) as found:
        yield found


def journal(campaign: Campaign) -> Counter[str]:
    return Counter(line.split()[1] for line in (campaign.folder / "journal.log").read_text().splitlines())


def test_failed_points_are_told_apart_and_the_others_go_on(tmp_path, cluster):
    campaign = Campaign(task="hash_chain:troubled", grid={"trouble": [*TROUBLES, "none"]}, folder=tmp_path / "troubled")
    status = campaign.run(cluster=cluster)
    assert {item.point.coordinates["trouble"]: item.reason for item in status.failed} == TROUBLES
    assert status.summary() == "11 points: 1 done, 10 failed"
    assert "failed  trouble raises: atoms lost: 3 of 200" in repr(status)
    table = campaign.table()
    assert table["energy"].masks["failed"].values.tolist() == [True] * 10 + [False]
    assert sc.identical(table["energy"]["trouble", -1].data, sc.scalar(1.0, variance=0.1**2, unit="eV"))
    record = json.loads(next((campaign.folder / "failed").glob("*.json")).read_text())
    assert "Traceback" in record["details"]  # for who wrote the task

    before = journal(campaign)
    assert campaign.run(cluster=cluster).to_json() == status.to_json()  # failed points are left alone ...
    assert journal(campaign) == before
    again = campaign.run(cluster=cluster, retry_failed=True)  # ... unless asked
    assert "fails once" not in [item.point.coordinates["trouble"] for item in again.failed]
    assert len(again.failed) == 9
    with pytest.raises(ComputationError, match="11 points: 2 done, 9 failed; trouble raises: atoms lost"):
        campaign.run(cluster=cluster, raise_on_failure=True)


def test_campaign_of_which_nothing_can_be_finished_raises(tmp_path, cluster):
    campaign = Campaign(task="hash_chain:troubled", points=[{"trouble": "raises"}], folder=tmp_path)
    with pytest.raises(ComputationError, match="1 points: 1 failed; trouble raises: atoms lost"):
        campaign.run(cluster=cluster)


def test_successors_of_a_failed_point_wait_and_other_chains_go_on(tmp_path, cluster):
    bad = Point({"trouble": "raises"})
    good = Point({"trouble": "none"})
    points = [
        Point({"trouble": "none", "n": 2}, Point({"trouble": "none", "n": 1}, bad)),
        Point({"trouble": "none", "n": 4}, Point({"trouble": "none", "n": 3}, good)),
    ]
    campaign = Campaign(task="hash_chain:troubled", points=points, folder=tmp_path)
    status = campaign.run(cluster=cluster)
    assert status.summary() == "6 points: 3 done, 2 waiting, 1 failed"
    waiting = [item for item in status if item.state == "waiting"]
    assert {item.reason for item in waiting} == {"waits for a failed point (trouble raises)"}
    table = campaign.table()["energy"]
    assert table.masks["missing"].values.tolist() == [False, True, True, False, False, False]
    assert table.masks["failed"].values.tolist() == [True] + [False] * 5


def test_a_point_that_kills_its_workers_fails_and_its_neighbours_do_not(tmp_path):
    troubles = ["kills its worker", "none", "nan"]
    campaign = Campaign(task="hash_chain:troubled", grid={"trouble": troubles}, folder=tmp_path)
    status = campaign.run(workers=2)
    reasons = {item.point.coordinates["trouble"]: item.reason for item in status.failed}
    assert reasons == {
        "kills its worker": "4 workers were killed while they worked on it, and it got no farther",
        "nan": TROUBLES["nan"],
    }
    assert status.count("done") == 1
    # what a task prints goes to its folder
    assert (campaign.results()[0].folder / "output.log").read_text().splitlines() == ["this is none"]


def test_workers_that_dask_gives_up_are_started_again():
    """Dask leaves a worker dead that is killed while it starts; a run must not wait for it for ever."""
    from caloris.campaigns.cluster import connected

    with connected(None, None, workers=2, threads=1, most_useful=5) as (client, revive):
        assert revive is not None
        for nanny in list(client.cluster.workers.values()):
            client.cluster.sync(nanny.close)
        until = time.monotonic() + 60
        while client.nthreads() and time.monotonic() < until:
            time.sleep(0.1)
        assert client.nthreads() == {}
        revive()
        while len(client.nthreads()) < 2 and time.monotonic() < until:
            time.sleep(0.1)
        assert len(client.nthreads()) == 2


def test_the_same_point_is_computed_once_for_two_campaigns_of_one_folder(tmp_path, cluster):
    first = Campaign(task="hash_chain:chain", grid={"p": ["0.1 GPa", "0.2 GPa"]}, folder=tmp_path)
    second = Campaign(task="hash_chain:chain", grid={"p": ["200 MPa", "300 MPa"]}, folder=tmp_path)
    first.run(cluster=cluster)
    assert second.status().count("done") == 1
    assert second.run(cluster=cluster).is_complete
    assert journal(first) == {"start": 3, "finish": 3}
    assert len(json.loads((tmp_path / "campaign.json").read_text())["campaigns"]) == 2


def test_two_runs_at_once_share_the_work(tmp_path, cluster):
    def make() -> Campaign:
        grid = {"p": [f"{n} MPa" for n in range(6)], "T": ["1 K", "2 K"]}
        settings = {"duration": 0.2}
        return Campaign(task="hash_chain:chain", grid=grid, history=History("T"), settings=settings, folder=tmp_path)

    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(make().run(cluster=cluster))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status.summary() for status in found] == ["24 points: 24 done"] * 2
    assert journal(make()) == {"start": 24, "finish": 24}


def test_status_of_another_process_tells_what_runs(tmp_path, cluster):
    campaign = Campaign(task="hash_chain:chain", points=[{"duration": 3.0}], folder=tmp_path)
    thread = threading.Thread(target=lambda: campaign.run(cluster=cluster))
    thread.start()
    seen: list[tuple[str, float]] = []
    while thread.is_alive():
        (item,) = campaign.status()
        seen.append((item.state, item.fraction))
        time.sleep(0.05)
    fractions = [fraction for state, fraction in seen if state == "running"]
    assert fractions == sorted(fractions)
    assert any(0 < fraction < 1 for fraction in fractions)
    assert campaign.status().is_complete


def order(campaign: Campaign, run: str) -> Order:
    point = campaign.points[0]
    return Order(str(campaign.folder), run, point.key, "hash_chain:chain", 1, None, point.parameters, None)


def test_a_worker_stops_when_its_run_has_ended_and_the_next_goes_on_from_there(tmp_path):
    campaign = Campaign(task="hash_chain:chain", points=[{"duration": 2.5}], folder=tmp_path / "stopped")
    folder = Folder(campaign.folder)
    folder.make()
    assert work(order(campaign, "a")) == "stopped"  # no run of that name wants it
    folder.run_marker("b").touch()
    timer = threading.Timer(0.8, lambda: folder.run_marker("b").unlink())
    timer.start()
    assert work(order(campaign, "b")) == "stopped"
    steps = int((folder.work(campaign.points[0].key) / "state").read_text().split()[0])
    assert 0 < steps < 20
    assert campaign.status().points[0].state == "waiting"
    folder.run_marker("c").touch()
    assert work(order(campaign, "c")) == "done"
    assert work(order(campaign, "c")) == "done"  # at once: it is there
    assert journal(campaign) == {"start": 2, "finish": 1}
    whole = Campaign(task="hash_chain:chain", points=[{"duration": 2.5}], folder=tmp_path / "whole")
    Folder(whole.folder).make()
    Folder(whole.folder).run_marker("d").touch()
    assert work(order(whole, "d")) == "done"
    assert whole.results()[0].outputs == campaign.results()[0].outputs


def test_a_kill_between_result_and_move_costs_only_the_move(tmp_path):
    campaign = Campaign(task="hash_chain:troubled", points=[{"trouble": "raises"}], folder=tmp_path)
    folder, key = Folder(tmp_path), campaign.points[0].key
    folder.make()
    folder.run_marker("a").touch()
    folder.work(key).mkdir()
    (folder.work(key) / "result.json").write_text('{"outputs": {"energy": 5.0}}')
    assert work(order(campaign, "a")) == "done"
    assert campaign.results()[0].outputs == {"energy": 5.0}


def test_another_version_of_the_task_is_another_point(tmp_path, monkeypatch):
    import hash_chain

    before = Campaign(task=hash_chain.chain, points=[{"n": 1}], folder=tmp_path).points[0].key
    monkeypatch.setattr(hash_chain.chain, "version", 2, raising=False)
    assert Campaign(task=hash_chain.chain, points=[{"n": 1}], folder=tmp_path).points[0].key != before


def test_damaged_result_is_named(tmp_path, cluster):
    campaign = Campaign(task="hash_chain:chain", points=[{"n": 1}], folder=tmp_path)
    campaign.run(cluster=cluster)
    (campaign.results()[0].folder / "result.json").write_text("{")
    with pytest.raises(ComputationError, match=r"result.json: damaged; move the folder \w+ away and run"):
        campaign.table()


def test_no_scheduler_is_said_in_one_line(tmp_path, monkeypatch):
    from caloris.campaigns import cluster

    monkeypatch.setattr(cluster, "CONNECT_TIMEOUT", 1.0)
    campaign = Campaign(task="hash_chain:chain", points=[{"n": 1}], folder=tmp_path)
    with pytest.raises(ComputationError, match=r"no scheduler answers at tcp://127\.0\.0\.1:9 ") as caught:
        campaign.run("tcp://127.0.0.1:9")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="give one of them"):
        campaign.run("tcp://127.0.0.1:9", cluster=object())


def transitions(folder: Path) -> Campaign:
    return Campaign(
        task="hash_chain:transition",
        grid={"pressure": ["0 MPa", "0.1 GPa"], "temperature": {"from": "430 K", "to": "470 K", "step": "10 K"}},
        history=History("temperature"),
        folder=folder,
    )


def test_table_has_axes_values_errors_and_units(tmp_path, cluster):
    campaign = transitions(tmp_path)
    assert list(campaign.table()) == []
    campaign.run(cluster=cluster)
    volume = campaign.table()["volume"]
    assert volume.dims == ("pressure", "temperature", "history")
    assert volume.unit == "cm^3/g"
    np.testing.assert_allclose(volume.variances, 1e-8)
    assert volume.coords["pressure"].unit == "MPa"
    np.testing.assert_allclose(volume.coords["pressure"].values, [0, 100])
    assert list(volume.coords["history"].values) == ["heating", "cooling"]
    T, history = volume.coords["temperature"].values, volume.coords["history"].values
    for i, p in enumerate((0.0, 100.0)):
        for k, middle in enumerate((451.0, 441.0)):
            exact = 1 + 1e-4 * (T - 400) + np.where(middle + 0.1 * p < T, 0.1, 0.0)
            np.testing.assert_allclose(volume.values[i, :, k], exact, err_msg=history[k])
    phase = campaign.table()["phase"]
    heated = phase["history", sc.scalar("heating")]["pressure", 0]
    assert list(heated.values) == ["low"] * 3 + ["high"] * 2


def test_refinement_closes_in_on_each_transition_and_reuses_what_is_there(tmp_path, cluster):
    campaign = transitions(tmp_path)
    campaign.run(cluster=cluster)
    before = {point.key for point in campaign.points}
    new = campaign.refine("volume", "temperature")
    # transitions at 451, 461 (heating, 0 and 100 MPa), 441 and 451 K (cooling)
    places = {(p.coordinates["pressure"], p.coordinates["history"]): p.coordinates["temperature"] for p in new}
    expected = {("0 MPa", "heating"): "455 K", ("0.1 GPa", "heating"): "465 K"}
    assert places == expected | {("0 MPa", "cooling"): "445 K", ("0.1 GPa", "cooling"): "455 K"}
    by_key = {point.key: point for point in campaign.points}
    assert before < set(by_key)
    for point in new:  # continues its neighbour upstream
        away = -5 if point.coordinates["history"] == "heating" else 5
        upstream = float(point.coordinates["temperature"].split()[0]) + away
        assert by_key[point.previous].coordinates == {**point.coordinates, "temperature": f"{upstream:g} K"}
    for _ in range(10):
        campaign.run(cluster=cluster)
        if not campaign.refine("volume", "temperature", smallest="0.5 K"):
            break
    assert journal(campaign)["start"] == len(campaign.points)
    again = transitions(tmp_path)  # another process knows the refinements
    assert {point.key for point in again.points} == {point.key for point in campaign.points}
    volume = again.table()["volume"]
    T = volume.coords["temperature"].values
    assert list(T) == sorted(T)
    for i, k, exact in ((0, 0, 451.0), (1, 0, 461.0), (0, 1, 441.0), (1, 1, 451.0)):
        there = ~volume.masks["missing"].values[i, :, k]
        V = volume.values[i, there, k]
        assert not np.isnan(V).any()
        n = int(np.argmax(np.diff(V)))
        low, high = T[there][n : n + 2]
        assert low <= exact <= high
        assert high - low <= 0.5


def test_no_jump_no_refinement(tmp_path, cluster):
    campaign = Campaign(
        task="hash_chain:transition", grid={"temperature": ["300 K", "300.5 K"]}, folder=tmp_path
    )  # differs by 5e-5, with errors of 1e-4
    campaign.run(cluster=cluster)
    assert campaign.refine("volume", "temperature") == []
    for arguments, why in (
        (("volume", "pressure"), "along: 'pressure' is no axis"),
        (("volume", "temperature", "1 MPa"), "smallest: '1 MPa' does not fit"),
    ):
        with pytest.raises(InputError, match=why):
            campaign.refine(*arguments[:2], smallest=arguments[2] if arguments[2:] else None)
    with pytest.raises(ComputationError, match="phase: no number at temperature 300 K; there are volume, phase"):
        campaign.refine("phase", "temperature")


def test_table_written_and_read_back(tmp_path, cluster):
    from caloris.files import write_hdf5

    campaign = Campaign(task="hash_chain:transition", grid={"temperature": ["440 K", "460 K"]}, folder=tmp_path)
    campaign.run(cluster=cluster)
    write_hdf5(tmp_path / "table.h5", campaign.table())
    assert sc.identical(sc.io.load_hdf5(tmp_path / "table.h5")["volume"], campaign.table()["volume"])


def test_progress_table_counts_what_is_left(tmp_path):
    from rich.console import Console

    campaign = transitions(tmp_path)
    folder = Folder(tmp_path)
    folder.make()
    run = Run(folder, {point.key: point for point in campaign.points}, campaign._call, None, id="r")
    assert run.look(retry_failed=False) == 20
    account = Account(run)
    first = campaign.points[0]
    run.pending[first.key] = None
    folder.write_progress(first.key, {"what": "heating", "fraction": 0.0, "run": "r"})
    account.look()
    assert account.time_left(1) is None  # nothing is known yet
    account.began -= 100.0
    folder.write_progress(first.key, {"what": "heating", "fraction": 0.5, "run": "r"})
    account.look()
    # half a point in 100 s: 200 s for each of 19.5 points on one worker; on many, the longest chain of 10 counts
    assert account.time_left(1) == pytest.approx(19.5 * 200, rel=1e-2)
    assert account.time_left(50) == pytest.approx(10 * 200, rel=1e-2)
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(progress_table(account, 1))
    text = console.export_text()
    assert "0 of 20 done, 1 running, 0 failed, 1 workers, about 1 h 5 min left" in text
    assert "0 MPa, 430 K, heating" in text
    assert "50%  heating" in text
    assert [duration(s) for s in (0, 59, 61, 90061)] == ["0 s", "59 s", "1 min 1 s", "1 d 1 h"]


def test_importing_campaigns_brings_no_dask_along():
    import subprocess
    import sys

    code = "import sys, caloris.campaigns; print(*sorted({'dask', 'distributed', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
