# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters in which something stops an installation, in the shapes that kubelet, containerd, Flux and Talos give them.

Each names where its words are from; placeholders there are filled in. Kubernetes is kubernetes/kubernetes, Flux is
fluxcd/helm-controller. Every cluster has a release cozy-linstor/linstor of which Flux says nothing but that time is up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.urmanac.talos.plugins.module_utils._cozystack.kinds import (
    HELM_RELEASE,
    OCI_REPOSITORY,
    PACKAGE,
)
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes import kinds
from ansible_collections.urmanac.talos.plugins.module_utils._kubernetes.kinds import Kind
from tests.cozystack_cluster import (
    READY,
    condition,
    deployment,
    installed,
    node,
    package,
    pod,
    release,
    status_of,
    waiting_pod,
)

Object = dict[str, Any]
# All images of CozyStack are pinned by a digest.
DIGEST = "sha256:73047678e4e8e2ac021fa91b7e99a3496c6559b94578470e16d713870c978255"
IMAGE = f"ghcr.io/cozystack/cozystack/linstor-controller:v1.6.2@{DIGEST}"
OPERATOR_IMAGE = f"ghcr.io/urmanac/cozystack-assets/cozystack-operator@{DIGEST}"
_SANDBOX = "8c0f5a1f" * 8
LOG_POD = "linstor-controller-5d7b8f-x2x4z"
DEADLINE = "Helm install failed for release cozy-linstor/linstor with chart linstor@0.0.0: context deadline exceeded"
BACK_OFF = {
    "reason": "CrashLoopBackOff",
    "message": "back-off 5m0s restarting failed container=main pod=linstor-controller-5d7b8f-x2x4z_cozy-linstor(5a1f)",
}


class Situation(NamedTuple):
    """A cluster, and the expected diagnosis."""

    name: str
    # Where the words are from.
    source: str
    code: str
    words: str
    remedy: str
    objects: Mapping[Kind, list[Object]]
    logs: Mapping[str, str] = {}
    blocks: bool = True
    # Further expected findings.
    also: tuple[str, ...] = ()
    # What is reported as waiting.
    waits: str = "cozy-linstor/linstor"


def stuck(message: str = DEADLINE, **more: Any) -> Object:
    """Return the release that is not ready."""
    return release("linstor", "cozy-linstor", ready=False, reason="InstallFailed", message=message, failures=2, **more)


def cluster(*pods: Object, events: tuple[Object, ...] = (), message: str = DEADLINE, **more: Any) -> Mapping[Kind, Any]:
    """Return a cluster whose installation has created releases."""
    return installed(releases=[stuck(message)], pods=list(pods), events=list(events), **more)


def failing(status: Object, **more: Any) -> Object:
    """Return a pod of LINSTOR that a node has."""
    return pod("linstor-controller", node="gateway", containers=[status], **more)


def ended(code: int, *, reason: str = "Error", message: str = "", restarts: int = 5) -> Object:
    """Return the status of a container that ended and will be started again."""
    return status_of(IMAGE, waiting=BACK_OFF, last=_end(code, reason, message), restarts=restarts) | {"ready": False}


def _end(code: int, reason: str = "Error", message: str = "") -> Object:
    return {"exitCode": code, "reason": reason} | ({"message": message} if message else {})


def held(reason: str, message: str) -> Object:
    """Return the status of a container that waits."""
    return status_of(IMAGE, waiting={"reason": reason, "message": message}) | {"ready": False}


def creating() -> Object:
    return failing(status_of(IMAGE, waiting={"reason": "ContainerCreating"}) | {"ready": False})


def unready(restarts: int = 0) -> Object:
    return failing(status_of(IMAGE, restarts=restarts) | {"ready": False, "started": True})


def event(reason: str, message: str, *, about: str = LOG_POD, kind: str = "Pod", count: int = 6) -> Object:
    """Return an event as kubelets and controllers write it."""
    involved = {"kind": kind, "namespace": "cozy-linstor", "name": about}
    return {
        "metadata": {"namespace": "cozy-linstor", "name": f"{about}.17c"},
        "involvedObject": involved,
        **{"type": "Warning", "reason": reason, "message": message, "count": count},
        "lastTimestamp": "2026-01-02T03:04:05Z",
    }


LATER = {"lastTimestamp": "2026-01-02T03:05:05Z"}
_TOO_LATE = "context deadline exceeded"


def mount_fails(message: str, reason: str = "FailedMount") -> tuple[Object, ...]:
    """Return the events of a volume that is not mounted: every two minutes the kubelet adds what it still waits for."""
    waits = "unmounted volumes=[config], unattached volumes=[], failed to process volumes=[]"
    generic = f"Unable to attach or mount volumes: {waits}: {_TOO_LATE}"
    return event(reason, message), event("FailedMount", generic, count=2) | LATER


def sandbox_fails(message: str) -> tuple[Object, ...]:
    """Return the events of a sandbox that is not created, after which the next attempts meet the first one."""
    words = "Failed to create pod sandbox: rpc error: code = "
    reserved = f'failed to reserve sandbox name "linstor_0": name "linstor_0" is reserved for "{_SANDBOX}"'
    combined = f"(combined from similar events): {words}Unknown desc = {reserved}"
    return (
        event("FailedCreatePodSandBox", f"{words}Unknown desc = {message}"),
        event("FailedCreatePodSandBox", f"{words}DeadlineExceeded desc = {_TOO_LATE}", count=2) | LATER,
        event("FailedCreatePodSandBox", combined, count=9) | {"lastTimestamp": "2026-01-02T03:06:05Z"},
    )


def refused(message: str) -> Mapping[Kind, Any]:
    """Return a cluster whose ReplicaSet cannot make a pod."""
    text = f'Error creating: pods "linstor-controller-5d7b8f-" is forbidden: {message}'
    return cluster(events=(event("FailedCreate", text, about="linstor-controller-5d7b8f", kind="ReplicaSet"),))


def operator(*statuses: Object, generation: int = 1, ready: int = 0) -> Mapping[Kind, Any]:
    """Return a cluster whose operator has no pod that is ready, while its Deployment says that it is available."""
    reported = condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    item = deployment("cozy-system", "cozystack-operator", reported)
    item["metadata"]["generation"] = generation
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    item["spec"] |= {"strategy": strategy}
    item["status"] |= {"observedGeneration": 1} | ({"readyReplicas": ready} if ready else {"unavailableReplicas": 1})
    pods = [pod("cozystack-operator", "cozy-system", node="gateway", containers=[one]) for one in statuses]
    return {kinds.DEPLOYMENT: [item], kinds.NODE: [node("gateway")], kinds.POD: pods}


def source_fails(message: str) -> Mapping[Kind, Any]:
    """Return a cluster whose packages cannot be fetched."""
    objects = dict(installed())
    failed = condition("Ready", "False", "OCIArtifactPullFailed", message)
    source = {"metadata": {"namespace": "cozy-system", "name": "cozystack-platform"}}
    return objects | {
        **{OCI_REPOSITORY: [source | {"status": {"conditions": [failed]}}], HELM_RELEASE: [], PACKAGE: []},
    }


def unfetched(message: str, **more: Any) -> Mapping[Kind, Any]:
    """Return a cluster with a platform whose source has a new version that cannot be fetched."""
    return {**installed(**more), OCI_REPOSITORY: source_fails(message)[OCI_REPOSITORY]}


def _job_pod() -> Object:
    item = pod("linstor-hook", node="gateway", phase="Failed", containers=[status_of(IMAGE) | {"ready": False}])
    item["status"]["containerStatuses"][0]["state"] = {"terminated": _end(1)}
    item["metadata"] |= {"name": "linstor-hook-7k2vq", "ownerReferences": [{"kind": "Job", "name": "linstor-hook"}]}
    return item


def _under_pressure(resource: str, reason: str) -> Mapping[Kind, Any]:
    """Return a cluster with a node that has too little of a resource."""
    conditions = [condition("Ready", "True", "KubeletReady"), condition(f"{resource}Pressure", "True", reason)]
    return cluster(nodes=[node("compute-2", conditions=conditions)])


def _rejected(reason: str, message: str) -> Object:
    item = pod("linstor-controller", node="gateway", phase="Failed")
    item["status"] |= {"reason": reason, "message": message}
    return item


def _init_fails() -> Object:
    item = failing(status_of(IMAGE, waiting={"reason": "PodInitializing"}) | {"ready": False})
    item["status"]["initContainerStatuses"] = [ended(255) | {"name": "wait", "image": "ghcr.io/cozystack/init:v1"}]
    return item


def _between_restarts() -> Object:
    item = status_of(IMAGE, restarts=2) | {"ready": False}
    return failing(item | {"state": {"terminated": _end(255)}})


_CRI = "rpc error: code = Unknown desc = "
_CRI_LATE = "rpc error: code = DeadlineExceeded desc = context deadline exceeded"
_TASK = "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
_LOW = "The node was low on resource: {0}. Threshold quantity: {1}, available: {2}. "
_USED = "Container main was using 1204Mi, request is 64Mi, has larger consumption of memory. "
_PULL = f'failed to pull and unpack image "{IMAGE}": '
_DOCKER = (
    "Failed to pull image: failed to copy: httpReadSeeker: failed open: unexpected status code "
    "https://registry-1.docker.io/v2/library/nginx/manifests/sha256:0a1b: 429 Too Many Requests - Server message: "
    "toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit"
)
_EXEC = "exec /usr/bin/darkhttpd: exec format error\n"
_BASH = "/entrypoint.sh: line 3: /usr/bin/linstor: cannot execute binary file: Exec format error"
OPERATOR_POD = "cozystack-operator-5d7b8f-x2x4z"
ARCH, CRASH, KILLED = "ARCH_UNSUPPORTED_IMAGES", "CONTAINER_CRASHES", "OUT_OF_MEMORY_KILLED"
_RELEASE = "helm.toolkit.fluxcd.io/name"
_LIMITED = {"containers": [{"name": "main", "resources": {"limits": {"memory": "128Mi"}}}]}
_BUILD, _LARGER = "Build them", "larger instance type"

AVAILABILITY = (
    Situation(
        "an operator that is available without a pod and dies of the architecture",
        "cozystack packages/core/installer: maxSurge 0, maxUnavailable 1; runc libcontainer/standard_init_linux.go",
        ARCH,
        "1 image is not built for arm64",
        _BUILD,
        operator(ended(255)),
        {OPERATOR_POD: "exec /cozystack-operator: exec format error\n"},
        waits="cozy-system/cozystack-operator",
    ),
    Situation(
        "an operator that is available without a pod",
        "Kubernetes pkg/controller/deployment/util: available is replicas less maxUnavailable",
        "OPERATOR_NOT_READY",
        "0 of 1 pods are ready",
        "namespace cozy-system describe pod",
        operator(),
        waits="",
    ),
    Situation(
        "an operator of which only the former generation is ready",
        "Kubernetes API: status.observedGeneration",
        "OPERATOR_NOT_READY",
        "0 of 1 pods are ready",
        "namespace cozy-system",
        operator(generation=2, ready=1),
        waits="",
    ),
    Situation(
        "an operator that crashes",
        "kubelet: CrashLoopBackOff with an empty termination message",
        CRASH,
        "open /certs/tls.crt: no such file or directory; Deployment",
        "logs POD --previous",
        operator(ended(1)),
        {OPERATOR_POD: 'ERROR setup "unable to start manager": open /certs/tls.crt: no such file or directory\n'},
        waits="cozy-system/cozystack-operator",
    ),
)

ARCHITECTURE = (
    Situation(
        "exit 255 without a message, and the log",
        "runc libcontainer/standard_init_linux.go; kubelet leaves the termination message empty",
        ARCH,
        IMAGE,
        _BUILD,
        cluster(failing(ended(255))),
        {LOG_POD: _EXEC},
    ),
    Situation(
        "exit 255 between two restarts, with the log of the run that ended",
        "kubelet: state terminated, before CrashLoopBackOff",
        ARCH,
        IMAGE,
        _BUILD,
        cluster(_between_restarts()),
        {LOG_POD: _EXEC},
    ),
    Situation(
        "an older runc's words in the log",
        "runc up to 1.0: standard_init_linux.go:228",
        ARCH,
        IMAGE,
        _BUILD,
        cluster(failing(ended(1))),
        {LOG_POD: "standard_init_linux.go:228: exec user process caused: exec format error\n"},
    ),
    Situation(
        "bash's words in the log, with lines of the entrypoint after them",
        "bash execute_cmd.c; the entrypoint continues and ends with exit 126",
        ARCH,
        IMAGE,
        _BUILD,
        cluster(failing(ended(126))),
        {LOG_POD: f"{_BASH}\n" + "".join(f"cleaning up {number}\n" for number in range(5))},
    ),
    Situation(
        "libc's words in the log",
        "glibc strerror(ENOEXEC), as dash and tini write them",
        ARCH,
        IMAGE,
        _BUILD,
        cluster(failing(ended(126))),
        {LOG_POD: "[FATAL tini (7)] exec /linstor failed: Exec format error\n"},
    ),
    Situation(
        "bash's words as the termination message",
        "kubelet kuberuntime: FallbackToLogsOnError",
        ARCH,
        IMAGE,
        _BUILD,
        cluster(failing(ended(126, message=_BASH))),
    ),
    Situation(
        "a container with FallbackToLogsOnError",
        "kubelet kuberuntime: the end of the log becomes the termination message",
        ARCH,
        IMAGE,
        _BUILD,
        cluster(failing(ended(255, message=_EXEC))),
    ),
    Situation(
        "crun, which refuses before it starts",
        "crun src/libcrun/linux.c; containerd task errors",
        ARCH,
        IMAGE,
        _BUILD,
        cluster(failing(ended(128, reason="StartError", message=f"{_TASK}exec /linstor: exec format error: unknown"))),
    ),
    Situation(
        "an index without the platform",
        "containerd core/images: no match for platform in manifest",
        ARCH,
        IMAGE,
        _BUILD,
        cluster(failing(held("ErrImagePull", f"{_CRI}{_PULL}no match for platform in manifest: not found"))),
    ),
    Situation(
        "an init container of another architecture",
        "kubelet: initContainerStatuses, PodInitializing",
        ARCH,
        "ghcr.io/cozystack/init:v1",
        _BUILD,
        cluster(_init_fails()),
        {LOG_POD: _EXEC},
    ),
    Situation(
        "exit 255 and a log that the kubelet has lost",
        "kubelet: previous terminated container not found",
        CRASH,
        "exit code 255, for example because the program cannot be executed",
        "logs POD --previous",
        cluster(failing(ended(255))),
    ),
)

MEMORY = (
    Situation(
        "a container that the kernel killed",
        "containerd: reason OOMKilled",
        KILLED,
        "linstor-controller-5d7b8f-x2x4z (main): OOMKilled, 5 times",
        _LARGER,
        cluster(failing(ended(137, reason="OOMKilled"))),
    ),
    Situation(
        "a container that reached its own memory limit",
        "containerd: reason OOMKilled; Kubernetes API: resources.limits",
        KILLED,
        "(main): OOMKilled at its own memory limit of 128Mi, 5 times",
        "Raise the container's memory limit of 128Mi: in cozystack_values",
        cluster(failing(ended(137, reason="OOMKilled"), spec=_LIMITED)),
    ),
    Situation(
        "a pod that Talos' OOM handler killed",
        "siderolabs/talos internal/app/machined/pkg/controllers/runtime/oom.go: cgroup.kill",
        KILLED,
        "exit code 137) without the reason OOMKilled",
        _LARGER,
        cluster(failing(ended(137))),
    ),
    Situation(
        "a pod that was evicted for memory",
        "Kubernetes pkg/kubelet/eviction/helpers.go",
        "POD_EVICTED",
        "The node was low on resource: memory",
        "larger instance type or more nodes for memory",
        cluster(_rejected("Evicted", _LOW.format("memory", "100Mi", "84Mi") + _USED)),
    ),
    Situation(
        "a pod that was evicted for its disk",
        "Kubernetes pkg/kubelet/eviction/helpers.go",
        "POD_EVICTED",
        "low on resource: ephemeral-storage",
        "cluster_volume_size",
        cluster(_rejected("Evicted", _LOW.format("ephemeral-storage", "4Gi", "1Gi"))),
    ),
    Situation(
        "a node under memory pressure",
        "Kubernetes pkg/kubelet/nodestatus/setters.go",
        "NODE_MEMORY_PRESSURE",
        "compute-2",
        _LARGER,
        _under_pressure("Memory", "KubeletHasInsufficientMemory"),
        also=("RELEASE_NOT_READY",),
        waits="",
    ),
    Situation(
        "a node with too many processes",
        "Kubernetes pkg/kubelet/nodestatus/setters.go: KubeletHasInsufficientPID",
        "NODE_PID_PRESSURE",
        "too many processes, so that pods are evicted: compute-2",
        "podPidsLimit",
        _under_pressure("PID", "KubeletHasInsufficientPID"),
        also=("RELEASE_NOT_READY",),
        waits="",
    ),
    Situation(
        "a pod that is kept off nodes under memory pressure",
        "kube-scheduler, taint node.kubernetes.io/memory-pressure of the node lifecycle controller",
        "INSUFFICIENT_MEMORY",
        "1 pod waits for memory",
        _LARGER,
        cluster(
            waiting_pod(
                "linstor-controller",
                "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/memory-pressure: }.",
            )
        ),
    ),
    Situation(
        "a pod that its node refuses for memory",
        "Kubernetes pkg/kubelet/lifecycle/predicate.go",
        "POD_REJECTED",
        "Node didn't have enough resource: memory",
        "free resources of the node",
        cluster(
            _rejected(
                "OutOfmemory",
                "Pod was rejected: Node didn't have enough resource: memory, requested: 734003200, used: 3328180224, "
                "capacity: 3447717888",
            )
        ),
    ),
    Situation(
        "a pod that no node has room for",
        "kube-scheduler",
        "INSUFFICIENT_MEMORY",
        "1 pod waits for memory",
        _LARGER,
        cluster(waiting_pod("linstor-controller", "0/3 nodes are available: 3 Insufficient memory.")),
    ),
    Situation(
        "a container that is killed again and again and runs at the moment",
        "containerd: lastState",
        KILLED,
        "OOMKilled",
        _LARGER,
        cluster(failing(status_of(IMAGE, last=_end(137, "OOMKilled"), restarts=5) | {"ready": True})),
    ),
)

_UID = "5a1fd0c2-77aa-4d1c-9b1e-2b7f0c9d8e11"
_MULTUS = (
    f'failed to setup network for sandbox "{_SANDBOX}": plugin type="multus-shim" name="multus-cni-network" failed '
    f'(add): CmdAdd (shim): CNI request failed with status 400: \'ContainerID:"{_SANDBOX}" '
    f'Netns:"/var/run/netns/cni-{_UID}" IfName:"eth0" Args:"K8S_POD_INFRA_CONTAINER_ID={_SANDBOX};K8S_POD_UID={_UID};'
    f'IgnoreUnknown=1;K8S_POD_NAMESPACE=cozy-linstor;K8S_POD_NAME={LOG_POD}" Path:"" ERRORED: error configuring pod '
    f"[cozy-linstor/{LOG_POD}] networking: [cozy-linstor/{LOG_POD}/{_UID}:kube-ovn]: error adding container to network "
    '"kube-ovn": plugin type="kube-ovn" failed (add): RPC failed; request ip return 500'
)

CREATION = (
    Situation(
        "a Secret for the environment that does not exist",
        "Kubernetes pkg/kubelet/kubelet_pods.go, kuberuntime ErrCreateContainerConfig",
        "CONTAINER_CONFIG_MISSING",
        'secret "linstor-api-tls" not found',
        "the release that creates it",
        cluster(failing(held("CreateContainerConfigError", 'secret "linstor-api-tls" not found'))),
    ),
    Situation(
        "a key that a Secret lacks",
        "Kubernetes pkg/kubelet/kubelet_pods.go",
        "CONTAINER_CONFIG_MISSING",
        "couldn't find key password in Secret",
        "the release that creates it",
        cluster(
            failing(held("CreateContainerConfigError", "couldn't find key password in Secret cozy-linstor/linstor-db"))
        ),
    ),
    Situation(
        "an image that runs as root where that is not allowed",
        "Kubernetes pkg/kubelet/kuberuntime/security_context.go",
        "CONTAINER_NOT_CREATED",
        "runAsNonRoot",
        "Correct what the message names",
        cluster(
            failing(
                held("CreateContainerConfigError", "container has runAsNonRoot and image will run as root (pod: ...)")
            )
        ),
    ),
    Situation(
        "a container name that an older one still has",
        "containerd internal/cri/server/container_create.go",
        "CONTAINER_NOT_CREATED",
        "is reserved for",
        "an older container still uses",
        cluster(
            failing(
                held(
                    "CreateContainerError",
                    'failed to reserve container name "main_linstor-controller_cozy-linstor_5a1f_0": name "main" is '
                    'reserved for "8c0f"',
                )
            )
        ),
    ),
    Situation(
        "a runtime that does not answer in time",
        "kubelet: CRI deadline, on busy nodes",
        "CONTAINER_NOT_CREATED",
        "linstor-controller-5d7b8f-x2x4z (main): CreateContainerError: context deadline exceeded",
        "Correct what the message names",
        cluster(failing(held("CreateContainerError", "context deadline exceeded"))),
    ),
    Situation(
        "a command that the image lacks",
        "runc libcontainer, containerd task errors; kubelet reason StartError, exit code 128",
        "CONTAINER_NOT_CREATED",
        "no such file or directory",
        "Correct what the message names",
        cluster(
            failing(
                ended(
                    128,
                    reason="StartError",
                    message=f'{_TASK}runc create failed: unable to start container process: exec: "/linstor": stat '
                    "/linstor: no such file or directory: unknown",
                )
            )
        ),
    ),
    Situation(
        "a device that the node lacks",
        "kubelet: RunContainerError",
        "CONTAINER_NOT_CREATED",
        "error gathering device information",
        "a device",
        cluster(
            failing(
                held(
                    "RunContainerError",
                    'failed to generate container spec: error gathering device information "/dev/kvm"',
                )
            )
        ),
    ),
    Situation(
        "a hook after the start that fails",
        "Kubernetes pkg/kubelet/kuberuntime: PostStartHookError",
        "CONTAINER_NOT_CREATED",
        "PostStartHookError",
        "",
        cluster(failing(held("PostStartHookError", "PostStartHook failed"))),
    ),
    Situation(
        "a Secret for a volume that does not exist",
        "Kubernetes pkg/volume/util/operationexecutor; cozystack's kccm waits for its kubeconfig so",
        "VOLUME_NOT_MOUNTED",
        'secret "k-admin-kubeconfig" not found',
        "Create what the message names",
        cluster(
            creating(),
            events=mount_fails(
                'MountVolume.SetUp failed for volume "kubeconfig" : secret "k-admin-kubeconfig" not found'
            ),
        ),
    ),
    Situation(
        "a ConfigMap for a volume that does not exist",
        "Kubernetes pkg/volume/util/operationexecutor",
        "VOLUME_NOT_MOUNTED",
        'configmap "linstor-config" not found',
        "Create what the message names",
        cluster(
            creating(),
            events=mount_fails('MountVolume.SetUp failed for volume "config" : configmap "linstor-config" not found'),
        ),
    ),
    Situation(
        "a volume whose driver is not on the node",
        "Kubernetes pkg/volume/csi/csi_plugin.go",
        "VOLUME_NOT_MOUNTED",
        "driver name linstor.csi.linbit.com not found",
        "LINSTOR's pods",
        cluster(
            creating(),
            events=mount_fails(
                'MountVolume.MountDevice failed for volume "pvc-1" : kubernetes.io/csi: attacher.MountDevice '
                "failed to create newCsiDriverClient: driver name linstor.csi.linbit.com not found in the list of "
                "registered CSI drivers"
            ),
        ),
    ),
    Situation(
        "a volume that another node still has",
        "Kubernetes pkg/controller/volume/attachdetach/reconciler",
        "VOLUME_NOT_MOUNTED",
        "Multi-Attach error",
        "driver of the volume",
        cluster(
            creating(),
            events=mount_fails(
                'Multi-Attach error for volume "pvc-1" Volume is already exclusively attached to one node and '
                "can't be attached to another",
                "FailedAttachVolume",
            ),
        ),
    ),
    Situation(
        "a pod without a network",
        "kubelet FailedCreatePodSandBox; kube-ovn's CNI",
        "POD_SANDBOX_FAILED",
        "no address allocated to pod",
        "container network on that node",
        cluster(
            creating(),
            events=sandbox_fails(f"{_MULTUS} no address allocated to pod'"),
        ),
    ),
    Situation(
        "a RuntimeClass whose handler the node lacks",
        "containerd internal/cri/config/config.go",
        "RUNTIME_MISSING",
        'no runtime for "spin" is configured',
        "extension",
        cluster(
            creating(),
            events=sandbox_fails('failed to get sandbox runtime: no runtime for "spin" is configured'),
        ),
    ),
    *(
        Situation(
            f"a runtime whose shim {what}",
            f"containerd core/runtime/v2/{source}",
            "RUNTIME_MISSING",
            "failed to start shim",
            "extension",
            cluster(
                creating(),
                events=sandbox_fails(
                    f'failed to start sandbox "{_SANDBOX}": failed to create containerd task: failed to start shim: '
                    + said
                ),
            ),
        )
        for what, source, said in (
            (
                "the node lacks",
                "shim_manager.go: resolveRuntimePath",
                'failed to resolve runtime path: runtime "io.containerd.spin.v2" binary not installed '
                '"containerd-shim-spin-v2": file does not exist',
            ),
            (
                "is of another architecture",
                "binary.go: Start",
                "start failed: : fork/exec /usr/local/bin/containerd-shim-spin-v2: exec format error",
            ),
        )
    ),
    Situation(
        "a block device that is not mapped",
        "Kubernetes pkg/kubelet/events: FailedMapVolume",
        "VOLUME_NOT_MOUNTED",
        "MapVolume.SetUpDevice failed",
        "driver of the volume",
        cluster(
            creating(),
            events=mount_fails(
                'MapVolume.SetUpDevice failed for volume "pvc-1" : rpc error: code = Internal desc = no such device',
                "FailedMapVolume",
            ),
        ),
    ),
    Situation(
        "a volume of which the kubelet says only that it is late",
        "Kubernetes pkg/kubelet/volumemanager/volume_manager.go: WaitForAttachAndMount",
        "VOLUME_NOT_MOUNTED",
        "unmounted volumes=[config]",
        "driver of the volume",
        cluster(creating(), events=mount_fails("")[1:]),
    ),
    Situation(
        "a volume whose driver does not answer in time",
        "container-storage-interface spec: ABORTED while an operation is pending",
        "VOLUME_NOT_MOUNTED",
        'MountVolume.MountDevice failed for volume "pvc-1" : rpc error: code = DeadlineExceeded',
        "driver of the volume",
        cluster(
            creating(),
            events=(
                *mount_fails(f'MountVolume.MountDevice failed for volume "pvc-1" : {_CRI_LATE}'),
                event(
                    "FailedMount",
                    'MountVolume.MountDevice failed for volume "pvc-1" : rpc error: code = Aborted desc = An operation '
                    "with the given Volume ID pvc-1 already exists",
                )
                | LATER,
            ),
        ),
    ),
    Situation(
        "a sandbox that fails again after its image was pulled",
        "kubelet: SandboxChanged; events stay for an hour",
        "POD_SANDBOX_FAILED",
        "code = DeadlineExceeded",
        "container network on that node",
        cluster(
            creating(),
            events=(
                event("FailedMount", 'MountVolume.SetUp failed for volume "tls" : secret "linstor-tls" not found')
                | {"lastTimestamp": "2026-01-02T03:01:05Z"},
                event("Pulling", f'Pulling image "{IMAGE}"', count=1) | {"lastTimestamp": "2026-01-02T03:02:05Z"},
                *sandbox_fails("")[1:],
            ),
        ),
    ),
    Situation(
        "the image of sandboxes, which a registry does not give",
        "containerd internal/cri/server/podsandbox/sandbox_run.go: failed to get sandbox image",
        "IMAGE_PULL_FAILED",
        "registry.k8s.io/pause:3.10 cannot be pulled (timeout): failed to get sandbox image: failed to pull image: "
        "failed to resolve reference: dial tcp 34.96.108.209:443: i/o timeout",
        "cache on the bastion",
        cluster(
            creating(),
            events=sandbox_fails(
                f'failed to start sandbox "{_SANDBOX}": failed to get sandbox image "registry.k8s.io/pause:3.10": '
                'failed to pull image "registry.k8s.io/pause:3.10": failed to resolve reference '
                '"registry.k8s.io/pause:3.10": dial tcp 34.96.108.209:443: i/o timeout'
            ),
        ),
    ),
)

REFUSALS = (
    Situation(
        "a pod that an etcd with a full database does not store",
        "etcd api/v3rpc/rpctypes/error.go",
        "ETCD_DATABASE_FULL",
        "database space exceeded",
        "talosctl etcd defrag",
        cluster(
            events=(
                event(
                    "FailedCreate",
                    "Error creating: etcdserver: mvcc: database space exceeded",
                    about="linstor-controller-5d7b8f",
                    kind="ReplicaSet",
                ),
            )
        ),
    ),
    Situation(
        "a namespace whose Pod Security level forbids the pod",
        "Kubernetes staging/src/k8s.io/pod-security-admission/admission",
        "POD_SECURITY_REFUSED",
        "hostNetwork=true",
        "pod-security.kubernetes.io/enforce=privileged",
        refused('violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)'),
    ),
    Situation(
        "a quota that is used up",
        "Kubernetes apiserver plugin resourcequota",
        "QUOTA_EXCEEDED",
        "exceeded quota: tenant",
        "ResourceQuota",
        refused(
            "exceeded quota: tenant, requested: limits.memory=1Gi, used: limits.memory=4Gi, limited: limits.memory=4Gi"
        ),
    ),
    Situation(
        "a webhook that does not answer",
        "Kubernetes apiserver admission/plugin/webhook",
        "WEBHOOK_REFUSED",
        "lineage.cozystack.io",
        "webhook's own pod",
        cluster(
            events=(
                event(
                    "FailedCreate",
                    'Error creating: Internal error occurred: failed calling webhook "lineage.cozystack.io": '
                    'failed to call webhook: Post "https://lineage.cozy-system.svc:443/mutate?timeout=10s": dial '
                    "tcp 10.96.0.9:443: connect: connection refused",
                    about="linstor-controller-5d7b8f",
                    kind="ReplicaSet",
                ),
            )
        ),
    ),
    Situation(
        "a ServiceAccount that does not exist",
        "Kubernetes plugin/pkg/admission/serviceaccount",
        "POD_REFUSED",
        'serviceaccount "linstor-controller" not found',
        "ServiceAccount",
        refused(
            "error looking up service account cozy-linstor/linstor-controller: "
            'serviceaccount "linstor-controller" not found'
        ),
    ),
    Situation(
        "a RuntimeClass that does not exist",
        "Kubernetes plugin/pkg/admission/runtimeclass",
        "RUNTIME_MISSING",
        'RuntimeClass "wasmtime-spin-v2" not found',
        "create the RuntimeClass",
        refused('pod rejected: RuntimeClass "wasmtime-spin-v2" not found'),
    ),
    Situation(
        "a quota that demands limits which the pod does not set",
        "Kubernetes apiserver plugin resourcequota: must specify",
        "QUOTA_EXCEEDED",
        "failed quota: tenant: must specify limits.cpu",
        "set them in the values",
        refused("failed quota: tenant: must specify limits.cpu for: main; limits.memory for: main"),
    ),
    Situation(
        "a limit of the namespace that the pod is over",
        "Kubernetes plugin/pkg/admission/limitranger",
        "QUOTA_EXCEEDED",
        "maximum memory usage per Container is 1Gi, but limit is 2Gi",
        "LimitRange",
        refused("maximum memory usage per Container is 1Gi, but limit is 2Gi"),
    ),
)

_LIVENESS = 'Liveness probe failed: Get "http://10.244.0.9:3370/health": context deadline exceeded'

_ZAP = (
    "2026-11-30T18:00:00.123Z\tINFO\tsetup\tStarting controller manager\n"
    "2026-11-30T18:00:01.123Z\tINFO\tsetup\tInstalling Cozystack CRDs before starting reconcile loop\n"
    '2026-11-30T18:00:31.123Z\tERROR\tsetup\tfailed to install CRDs\t{"error": "failed to apply CRDs: dry-run failed: '
    'Internal error occurred: no endpoints available"}\n'
    "main.main\n\t/workspace/cmd/cozystack-operator/main.go:219\nruntime.main\n"
    "\t/usr/local/go/src/runtime/proc.go:285\n"
)
_PANIC = (
    "panic: runtime error: invalid memory address or nil pointer dereference\n"
    "[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x1a2b3c]\n\ngoroutine 412 [running]:\n"
    + "".join(
        f"sigs.k8s.io/controller-runtime/pkg.(*Controller).step{number}(0xc000, {{0x1, 0x2}})\n"
        f"\t/go/pkg/mod/sigs.k8s.io/controller-runtime@v0.19.1/pkg/controller.go:{number} +0x1d4\n"
        for number in range(10)
    )
    + "created by sigs.k8s.io/x in goroutine 200\n\t/go/pkg/mod/x/controller.go:220 +0x48c\n"
)
JAVA = (
    "ERROR LINSTOR/Controller - Database connection failed\n"
    + "".join(f"\tat com.linbit.linstor.core.Controller.x(Controller.java:{number})\n" for number in range(12))
    + "Caused by: java.net.ConnectException: Connection refused\n"
    "\tat java.base/sun.nio.ch.Net.connect0(Native Method)\n\t... 12 more\n"
)
COBRA = "Error: unknown flag: --leader-elect\nUsage:\n  manager [flags]\n\nFlags:\n" + "".join(
    f"      --flag{number} string   a setting\n" for number in range(12)
)


def _program(name: str, container: str) -> Object:
    """Return a pod that crashes and shares its image with others."""
    status = ended(1) | {"name": container, "image": f"ghcr.io/cozystack/cozystack/kubeovn:v1.15.3@{DIGEST}"}
    return pod(name, node="gateway", containers=[status])


CRASHES = (
    Situation(
        "a container that says why it ends",
        "kubelet: CrashLoopBackOff; only the log has the words",
        CRASH,
        "connection to server at 10.96.3.4, port 5432 failed: Connection refused",
        "logs POD --previous",
        cluster(failing(ended(1))),
        {LOG_POD: "starting\nFATAL: connection to server at 10.96.3.4, port 5432 failed: Connection refused\n"},
    ),
    Situation(
        "a Go program that panics",
        "Go runtime: exit code 2",
        CRASH,
        "exit code 2, 5 times: panic: runtime error",
        "logs POD --previous",
        cluster(failing(ended(2))),
        {LOG_POD: "panic: runtime error: invalid memory address or nil pointer dereference\n"},
    ),
    Situation(
        "a program for a newer processor",
        "128 + SIGILL",
        CRASH,
        "illegal instruction",
        "logs POD --previous",
        cluster(failing(ended(132))),
        {LOG_POD: ""},
    ),
    Situation(
        "a container that wrote its reason down",
        "Kubernetes API: terminationMessagePath",
        CRASH,
        "cannot open /dev/drbd0",
        "logs POD --previous",
        cluster(failing(ended(20, message="cannot open /dev/drbd0"))),
    ),
    Situation(
        "a container that ends without a failure where it should stay",
        "kubelet: reason Completed",
        CRASH,
        "Completed, exit code 0",
        "logs POD --previous",
        cluster(failing(ended(0, reason="Completed"))),
    ),
    Situation(
        "a liveness probe that ends a container",
        "Kubernetes pkg/kubelet/prober/prober.go: Unhealthy; the kubelet then kills it",
        "PROBE_FAILED",
        "Liveness probe failed",
        "may only be slow",
        cluster(
            failing(ended(137)),
            events=(event("Unhealthy", _LIVENESS),),
        ),
    ),
    Situation(
        "a readiness probe that is not answered",
        "Kubernetes pkg/kubelet/prober/prober.go",
        "PROBE_FAILED",
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
        "Read its log",
        cluster(
            unready(), events=(event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),)
        ),
    ),
    Situation(
        "a hook's Job that fails",
        "Helm pkg/kube: job failed: BackoffLimitExceeded",
        "JOB_FAILED",
        "linstor-hook-7k2vq (main): Error, exit code 1: no matching StorageClass",
        "log of the Job's pod",
        cluster(
            _job_pod(),
            message="Helm install failed for release cozy-linstor/linstor with chart linstor@0.0.0: "
            "failed post-install: 1 error occurred:\n\t* job failed: BackoffLimitExceeded",
        ),
        {"linstor-hook-7k2vq": "no matching StorageClass\n"},
    ),
    Situation(
        "a hook's Job that was removed after it failed",
        "Helm pkg/action/hooks.go",
        "JOB_FAILED",
        "failed pre-install",
        "log of the Job's pod",
        cluster(message="Helm install failed: failed pre-install: job linstor-hook failed: BackoffLimitExceeded"),
        waits="",
    ),
    Situation(
        "an operator that writes a stack trace after its error",
        "sigs.k8s.io/controller-runtime pkg/log/zap with Development: true, as cozystack-operator has it",
        CRASH,
        'ERROR setup failed to install CRDs {"error": "failed to apply CRDs: dry-run failed: Internal error occurred: '
        'no endpoints available"}; Deployment',
        "logs POD --previous",
        operator(ended(1)),
        {OPERATOR_POD: _ZAP},
        waits="cozy-system/cozystack-operator",
    ),
    Situation(
        "a Go program that panics, with the stack trace",
        "Go runtime: panic, and the frames of its goroutine",
        CRASH,
        "exit code 2, 5 times: panic: runtime error: invalid memory address or nil pointer dereference; HelmRelease",
        "logs POD --previous",
        cluster(failing(ended(2))),
        {LOG_POD: _PANIC},
    ),
    Situation(
        "a Go program that panics, with the stack trace as its message",
        "kubelet kuberuntime: FallbackToLogsOnError, the last 2,048 bytes of the log",
        CRASH,
        "exit code 2, 5 times: panic: runtime error: invalid memory address or nil pointer dereference; HelmRelease",
        "logs POD --previous",
        cluster(failing(ended(2, message=_PANIC[-2048:]))),
    ),
    Situation(
        "a Java program with a stack trace",
        "linstor-server: ErrorReporter writes the exception and its cause",
        CRASH,
        "LINSTOR/Controller - Database connection failed / Caused by: java.net.ConnectException: Connection refused",
        "logs POD --previous",
        cluster(failing(ended(20))),
        {LOG_POD: JAVA},
    ),
    Situation(
        "a program that prints its usage after an option that it does not know",
        "spf13/cobra: Execute prints the usage on an error",
        CRASH,
        "exit code 1, 5 times: Error: unknown flag: --leader-elect; HelmRelease",
        "logs POD --previous",
        cluster(failing(ended(1))),
        {LOG_POD: COBRA},
    ),
    Situation(
        "two programs of one image that fail for different reasons",
        "cozystack packages/system/kubeovn: ovn-central, the controller and the CNI have one image",
        CRASH,
        "(cni): Error, exit code 1, 5 times: failed to get gateway iface: no default route",
        "logs POD --previous",
        cluster(_program("kube-ovn-cni", "cni"), _program("ovn-central", "central")),
        {
            "kube-ovn-cni-5d7b8f-x2x4z": "failed to get gateway iface: no default route\n",
            "ovn-central-5d7b8f-x2x4z": "ovn-nb: no nodes with label kube-ovn/role=master\n",
        },
        also=(CRASH,),
    ),
)


def _pulled_in_vain(image: str, cause: str) -> Object:
    """Return the status of a container while its kubelet waits, with the image in each part of the message."""
    tried = f'{_CRI}failed to pull and unpack image "{image}": failed to resolve reference "{image}": {cause}'
    return held("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {tried}') | {"image": image}


_SIDECAR = _pulled_in_vain(f"ghcr.io/cozystack/cozystack/sidecar:v1@{DIGEST}", "not found") | {"name": "sidecar"}

IMAGES = (
    Situation(
        "Docker Hub's limit, for a pod",
        "docker.io's registry; containerd core/remotes/docker",
        "IMAGE_RATE_LIMITED",
        "toomanyrequests",
        "cluster_registry_login_parameters",
        cluster(failing(held("ErrImagePull", _DOCKER))),
    ),
    Situation(
        "a limit that is waited for",
        "kubelet: ImagePullBackOff",
        "IMAGE_RATE_LIMITED",
        "rate_limited",
        "Try again later",
        cluster(
            failing(held("ImagePullBackOff", f'Back-off pulling image "{IMAGE}": ErrImagePull: 429 Too Many Requests'))
        ),
    ),
    Situation(
        "a limit for the source of the packages",
        "fluxcd/source-controller OCIRepository",
        "IMAGE_RATE_LIMITED",
        "TOOMANYREQUESTS",
        "cluster_registry_login_parameters",
        source_fails("failed to pull artifact from 'oci://ghcr.io/x': TOOMANYREQUESTS: retry-after: 1.2ms"),
        waits="",
    ),
    Situation(
        "a node without room for an image",
        "containerd: write of a layer",
        "INSUFFICIENT_DISK",
        "no space left on device",
        "cluster_volume_size",
        cluster(failing(held("ErrImagePull", f"{_PULL}failed to extract layer: no space left on device"))),
    ),
    Situation(
        "a registry with an unknown certificate",
        "Go crypto/x509",
        "IMAGE_PULL_FAILED",
        "(tls)",
        "Check the image's name, the registry",
        cluster(
            failing(
                held(
                    "ErrImagePull",
                    f"{_PULL}x509: certificate signed by unknown authority",
                )
            )
        ),
    ),
    Situation(
        "an image that is not there",
        "containerd core/remotes/docker",
        "IMAGE_PULL_FAILED",
        "(not_found)",
        "Check the image's name",
        cluster(failing(held("ErrImagePull", f"{_PULL}{IMAGE}: not found"))),
    ),
    Situation(
        "the user's own build of the operator, which the registry keeps private",
        "containerd core/remotes/docker/auth: fetch anonymous token; kubelet: ImagePullBackOff",
        "IMAGE_PULL_FAILED",
        f"{OPERATOR_IMAGE} cannot be pulled (pull_denied): Back-off pulling image: ErrImagePull: rpc error: code = "
        "Unknown desc = failed to pull and unpack image: failed to resolve reference: failed to authorize: failed to "
        "fetch anonymous token: unexpected status from GET request to https://ghcr.io/token?scope=repository%3Aurmanac"
        "%2Fcozystack-assets%2Fcozystack-operator%3Apull&service=ghcr.io: 401 Unauthorized",
        "Check the image's name, the registry",
        operator(
            _pulled_in_vain(
                OPERATOR_IMAGE,
                "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to "
                "https://ghcr.io/token?scope=repository%3Aurmanac%2Fcozystack-assets%2Fcozystack-operator%3Apull&service="
                "ghcr.io: 401 Unauthorized",
            )
        ),
        waits="cozy-system/cozystack-operator",
    ),
    Situation(
        "a registry with an error of its own",
        "containerd core/remotes/docker: unexpected status",
        "IMAGE_PULL_FAILED",
        f"(registry_error): Back-off pulling image: ErrImagePull: {_CRI}failed to pull and unpack image: failed to "
        f"resolve reference: unexpected status from HEAD request to https://ghcr.io/v2/x/manifests/{DIGEST}: 502 "
        "Bad Gateway",
        "the registry",
        cluster(
            failing(
                _pulled_in_vain(
                    IMAGE,
                    f"unexpected status from HEAD request to https://ghcr.io/v2/x/manifests/{DIGEST}: 502 Bad Gateway",
                )
            )
        ),
    ),
    Situation(
        "an image whose name contains the words of another problem",
        "Kubernetes API: names of images are free",
        "IMAGE_PULL_FAILED",
        "(not_found)",
        "Check the image's name",
        cluster(failing(_pulled_in_vain(f"ghcr.io/x/timeout-denied@{DIGEST}", "not found"))),
    ),
    Situation(
        "a pod with a container whose image cannot be pulled and another that crashes",
        "Kubernetes API: containerStatuses of a pod with several containers",
        "IMAGE_PULL_FAILED",
        "(not_found)",
        "Check the image's name",
        cluster(pod("linstor-controller", node="gateway", containers=[ended(1), _SIDECAR])),
        {LOG_POD: "lookup linstor-db: no such host\n"},
        also=(CRASH,),
    ),
)


def _failed_with(message: str) -> Mapping[Kind, Any]:
    return cluster(message=f"Helm install failed for release cozy-linstor/linstor with chart linstor@0.0.0: {message}")


def _job(*conditions: Object) -> Object:
    metadata = {"name": "linstor-migrate", "namespace": "cozy-linstor", "labels": {_RELEASE: "linstor"}}
    return {"metadata": metadata, "status": {"conditions": list(conditions)}}


def _load_balancer(**status: Any) -> Object:
    metadata = {"name": "linstor-gateway", "namespace": "cozy-linstor", "labels": {_RELEASE: "linstor"}}
    return {"metadata": metadata, "spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": status}}


_HOOK_WAITS = (
    "Helm install failed for release cozy-linstor/linstor with chart linstor@0.0.0: failed post-install: 1 error "
    "occurred:\n\t* timed out waiting for the condition"
)


def _of_job(item: Object) -> Object:
    return item | {"metadata": item["metadata"] | {"ownerReferences": [{"kind": "Job", "name": "linstor-hook"}]}}


WAITED_FOR = (
    Situation(
        "a Job outside hooks that ran into its deadline and whose pods are gone",
        "Kubernetes pkg/controller/job/job_controller.go: DeadlineExceeded; helm-controller waits for Jobs",
        "JOB_FAILED",
        "linstor-migrate: DeadlineExceeded: Job was active longer than specified deadline",
        "log of the Job's pod",
        cluster(
            jobs=[
                _job(
                    condition("FailureTarget", "True", "DeadlineExceeded"),
                    condition("Failed", "True", "DeadlineExceeded", "Job was active longer than specified deadline"),
                )
            ]
        ),
    ),
    Situation(
        "a Service of type LoadBalancer without an address",
        "Helm pkg/kube/ready.go: serviceReady",
        "LOAD_BALANCER_PENDING",
        "linstor-gateway: type LoadBalancer: no address is assigned",
        "address pool for MetalLB",
        cluster(services=[_load_balancer()]),
    ),
    Situation(
        "a Service that has its address and a Job that is done, which explain nothing",
        "Helm pkg/kube/ready.go",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease linstor",
        cluster(
            services=[_load_balancer(ingress=[{"ip": "192.0.2.7"}])],
            jobs=[_job(condition("Complete", "True", "CompletionsReached"))],
        ),
        waits="",
    ),
    Situation(
        "a hook's Job whose image the registry does not give",
        "Helm pkg/action/hooks.go; docker.io's registry",
        "IMAGE_RATE_LIMITED",
        "toomanyrequests",
        "Try again later",
        cluster(
            _of_job(failing(_pulled_in_vain("docker.io/alpine/k8s:1.36.2", _DOCKER))),
            message=_HOOK_WAITS,
        ),
    ),
    Situation(
        "a hook's Job that no node has room for",
        "Helm pkg/action/hooks.go; kube-scheduler",
        "INSUFFICIENT_MEMORY",
        "1 pod waits for memory",
        _LARGER,
        cluster(
            _of_job(waiting_pod("linstor-controller", "0/3 nodes are available: 3 Insufficient memory.")),
            message=_HOOK_WAITS,
        ),
    ),
)


def _no_node(message: str) -> Mapping[Kind, Any]:
    said = f"0/3 nodes are available: {message}. preemption: 0/3 nodes are available."
    return cluster(waiting_pod("linstor-controller", said))


_NO_CNI = condition(
    "Ready",
    "False",
    "KubeletNotReady",
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin "
    "returns error: cni plugin not initialized",
)


def _tainted(taint: str, **more: Any) -> Mapping[Kind, Any]:
    """Return a cluster of a node with a taint besides those that the pod tolerates or that only prefer others."""
    other = {"key": "linstor", "effect": "NoExecute"}
    taints = [other, {"key": "spot", "effect": "PreferNoSchedule"}, {"key": taint, "effect": "NoSchedule"}]
    said = "0/1 nodes are available: 1 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/1."
    waiting = waiting_pod("linstor-controller", said, spec={"tolerations": [{"key": "linstor", "operator": "Exists"}]})
    return cluster(waiting, nodes=[node("gateway", taints=taints, **more)])


SCHEDULING = (
    Situation(
        "a pod that does not tolerate control planes",
        "kube-scheduler, taint of Talos without allowSchedulingOnControlPlanes",
        "NO_SCHEDULABLE_NODE",
        "3 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }; HelmRelease",
        "taints and labels",
        _no_node("3 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }"),
    ),
    Situation(
        "nodes that wait for a cloud controller that is not installed",
        "kubelet with cloud-provider external; siderolabs/talos externalCloudProvider",
        "NO_SCHEDULABLE_NODE",
        "node.cloudprovider.kubernetes.io/uninitialized",
        "taints and labels",
        _no_node("3 node(s) had untolerated taint {node.cloudprovider.kubernetes.io/uninitialized: true}"),
    ),
    Situation(
        "a virtual machine of a user, where no node has KVM",
        "kube-scheduler; KubeVirt's device plugin",
        "KVM_MISSING",
        "no node has /dev/kvm (arm64)",
        "metal instance type",
        installed(
            pods=[
                waiting_pod(
                    "virt-launcher-machine",
                    "0/3 nodes are available: 3 Insufficient devices.kubevirt.io/kvm. preemption: 0/3 nodes are "
                    "available: 3 No preemption victims found for incoming pod.",
                    namespace="tenant-root",
                )
            ]
        ),
        blocks=False,
        waits="",
    ),
    Situation(
        "a virtual machine of a user, which the node with KVM does not take",
        "kube-scheduler; KubeVirt's device plugin",
        "KVM_MISSING",
        "1 pod waits for /dev/kvm, which only gateway has: tenant-root/virt-launcher-machine",
        "kubectl describe node gateway",
        installed(
            nodes=[
                node("gateway", allocatable={"devices.kubevirt.io/kvm": "1k"}),
                node("compute-2"),
            ],
            pods=[
                waiting_pod(
                    "virt-launcher-machine",
                    "0/2 nodes are available: 1 Insufficient devices.kubevirt.io/kvm, 1 node(s) didn't match "
                    "Pod's node affinity/selector.",
                    namespace="tenant-root",
                )
            ],
        ),
        blocks=False,
        waits="",
    ),
    Situation(
        "nodes without the label that pods are spread by",
        "Kubernetes pkg/scheduler/framework/plugins/podtopologyspread: ErrReasonNodeLabelNotMatch",
        "NO_SCHEDULABLE_NODE",
        "missing required label",
        "taints and labels",
        cluster(
            waiting_pod(
                "linstor-controller",
                "0/3 nodes are available: 3 node(s) didn't match pod topology spread constraints (missing required "
                "label). preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
            )
        ),
    ),
    Situation(
        "a reason that is in no list",
        "kube-scheduler framework: Unschedulable of any plugin",
        "NO_SCHEDULABLE_NODE",
        "3 node(s) did something new",
        "taints and labels",
        _no_node("3 node(s) did something new"),
    ),
    Situation(
        "a pod of a scheduler that does not run",
        "cozystack packages/system/linstor-scheduler: its webhook sets schedulerName; PodScheduled is not reported",
        "POD_NOT_SCHEDULED",
        "linstor-scheduler: no scheduler has processed the pod",
        "LINSTOR's in cozy-linstor",
        cluster(pod("linstor-controller", spec={"schedulerName": "linstor-scheduler"})),
    ),
    Situation(
        "a pod with scheduling gates",
        "Kubernetes API: reason SchedulingGated",
        "POD_NOT_SCHEDULED",
        "non-empty scheduling gates",
        "the controller that removes them",
        cluster(
            waiting_pod(
                "linstor-controller",
                "Scheduling is blocked due to non-empty scheduling gates",
                reason="SchedulingGated",
            )
        ),
    ),
    Situation(
        "nodes without a network, whose taint the scheduler does not name",
        "kube-scheduler since 1.35: untolerated taint(s); kubelet: NetworkPluginNotReady",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease linstor",
        _tainted("node.kubernetes.io/not-ready", conditions=[_NO_CNI]),
        waits="",
    ),
    Situation(
        "control planes that take no pods, whose taint the scheduler does not name",
        "kube-scheduler since 1.35: untolerated taint(s)",
        "NO_SCHEDULABLE_NODE",
        "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }",
        "taints and labels",
        _tainted("node-role.kubernetes.io/control-plane"),
    ),
    Situation(
        "a node under memory pressure, whose taint the scheduler does not name",
        "kube-scheduler since 1.35: untolerated taint(s)",
        "INSUFFICIENT_MEMORY",
        "1 pod waits for memory",
        _LARGER,
        _tainted("node.kubernetes.io/memory-pressure"),
    ),
    Situation(
        "a taint that is gone since the scheduler refused the pod",
        "kube-scheduler since 1.35: untolerated taint(s)",
        "NO_SCHEDULABLE_NODE",
        "untolerated taint(s)",
        "taints and labels",
        _no_node("3 node(s) had untolerated taint(s)"),
    ),
)

_CLAIM = "data-linstor-0"
_NO_PLACE = (
    'failed to provision volume with StorageClass "replicated": rpc error: code = ResourceExhausted desc = failed to '
    "enough replicas on requisite nodes: Message: 'Not enough available nodes'; Details: 'Not enough nodes fulfilling "
    "the following auto-place criteria:\n * has a deployed storage pool named [data]'"
)


def _unbound(*events: Object, reason: str = "Unschedulable", message: str = "") -> Mapping[Kind, Any]:
    """Return a cluster with a pod that waits for the volume of its claim."""
    words = message or "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3."
    objects = dict(cluster(waiting_pod("linstor-controller", words, reason=reason)))
    return objects | {kinds.CLAIM: [pending_claim(_CLAIM)], kinds.EVENT: list(events)}


def pending_claim(name: str) -> Object:
    """Return a claim that has no volume yet."""
    return {"metadata": {"name": name, "namespace": "cozy-linstor"}, "status": {"phase": "Pending"}}


def _about_claim(reason: str, message: str) -> Object:
    return event(reason, message, about=_CLAIM, kind="PersistentVolumeClaim")


VOLUMES = (
    Situation(
        "a volume that LINSTOR has no place for",
        "cozystack issue 3851: vlstorage-db-vlstorage-generic-0; LINSTOR's autoplacer",
        "VOLUME_PENDING",
        "data-linstor-0: ProvisioningFailed, 6 times: failed to provision volume",
        "the pool's nodes and free space",
        _unbound(
            _about_claim("ProvisioningFailed", _NO_PLACE),
            _about_claim("ProvisioningFailed", f"failed to provision volume: {_CRI_LATE}") | LATER,
        ),
    ),
    Situation(
        "a volume of a node that was chosen before",
        "kube-scheduler: SchedulerError of VolumeBinding, WaitForFirstConsumer",
        "VOLUME_PENDING",
        "Not enough available nodes",
        "the pool's nodes and free space",
        _unbound(
            _about_claim("ProvisioningFailed", _NO_PLACE),
            reason="SchedulerError",
            message='running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded',
        ),
    ),
    Situation(
        "a StorageClass that does not exist",
        "Kubernetes pkg/controller/volume/persistentvolume: the root tenant without a data disk",
        "VOLUME_PENDING",
        'storageclass.storage.k8s.io "replicated" not found',
        "Create a StorageClass",
        _unbound(_about_claim("ProvisioningFailed", 'storageclass.storage.k8s.io "replicated" not found')),
    ),
    Situation(
        "a claim without a class where none is the default",
        "Kubernetes pkg/controller/volume/persistentvolume: FailedBinding",
        "VOLUME_PENDING",
        "no storage class is set",
        "Create a StorageClass",
        _unbound(
            _about_claim("FailedBinding", "no persistent volumes available for this claim and no storage class is set")
        ),
    ),
    Situation(
        "pools that are full",
        "kube-scheduler, CSIStorageCapacity",
        "VOLUME_PENDING",
        "3 node(s) did not have enough free storage; HelmRelease",
        "the pool's nodes and free space",
        _unbound(message="0/3 nodes are available: 3 node(s) did not have enough free storage. preemption: 0/3."),
    ),
)

_LEASE = (
    "error retrieving resource lock cozy-linstor/piraeus: context deadline exceeded\n"
    "failed to renew lease cozy-linstor/piraeus: timed out waiting for the condition\n"
    '{"level":"error","logger":"setup","msg":"problem running manager","error":"leader election lost"}\n'
)

BUSY = (
    Situation(
        "a controller that loses its lease because the database of etcd is full",
        "client-go tools/leaderelection; etcd api/v3rpc/rpctypes/error.go",
        "ETCD_DATABASE_FULL",
        "leader election lost",
        "talosctl etcd alarm disarm",
        cluster(failing(ended(1))),
        {LOG_POD: f"error updating lease: etcdserver: mvcc: database space exceeded\n{_LEASE}"},
    ),
    Situation(
        "a controller that loses its lease",
        "client-go tools/leaderelection: the API server did not renew it in time, as with a slow etcd",
        "API_OVERLOADED",
        "leader election lost",
        "CPU credits",
        cluster(failing(ended(1))),
        {LOG_POD: _LEASE},
    ),
    Situation(
        "a probe that ends a program that then leaves in order",
        "Kubernetes pkg/kubelet/kuberuntime/kuberuntime_manager.go: Killing",
        "PROBE_FAILED",
        "Startup probe failed: dial tcp",
        "may only be slow",
        cluster(
            failing(ended(0, reason="Completed")),
            events=(
                event("Unhealthy", "Startup probe failed: dial tcp 10.244.0.9:3370: connect: connection refused"),
                event("Killing", "Container main failed startup probe, will be restarted"),
            ),
        ),
    ),
    Situation(
        "a liveness probe that ends a container, and a readiness probe that fails after it",
        "Kubernetes pkg/kubelet/prober/prober.go: an event for each kind of probe",
        "PROBE_FAILED",
        "Liveness probe failed",
        "may only be slow",
        cluster(
            failing(ended(137)),
            events=(
                event("Unhealthy", _LIVENESS),
                event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503") | LATER,
            ),
        ),
    ),
    Situation(
        "a program that crashes while its other container is stopped by a probe",
        "Kubernetes pkg/kubelet/kuberuntime/kuberuntime_manager.go: Killing names the container",
        CRASH,
        "no such host",
        "logs POD --previous",
        cluster(
            failing(ended(1)),
            events=(
                event("Unhealthy", _LIVENESS),
                event("Killing", "Container sidecar failed liveness probe, will be restarted"),
            ),
        ),
        {LOG_POD: "lookup linstor-db: no such host\n"},
    ),
    Situation(
        "DRBD's modules that the image lacks",
        "piraeusdatastore/piraeus-operator: init container drbd-module-loader; Talos without its extension",
        CRASH,
        "Could not load DRBD kernel modules",
        "logs POD --previous",
        cluster(failing(ended(1))),
        {LOG_POD: "DRBD module is NOT yet loaded\nERROR: Could not load DRBD kernel modules\n"},
    ),
    Situation(
        "capabilities that Talos does not give",
        "siderolabs/talos issue 11352: Cilium with SYS_MODULE; runc",
        "CONTAINER_NOT_CREATED",
        "unable to apply caps: operation not permitted",
        "Correct what the message names",
        cluster(
            failing(
                ended(
                    128,
                    reason="StartError",
                    message=f"{_TASK}runc create failed: unable to start container process: error during container "
                    "init: unable to apply caps: operation not permitted",
                )
            )
        ),
    ),
)


def _created_at(time: str, item: Object) -> Object:
    return item | {"metadata": item["metadata"] | {"creationTimestamp": time}}


_REFUSED = event(
    "FailedCreate",
    'Error creating: Internal error occurred: failed calling webhook "x": connection refused',
    about="linstor-controller-5d7b8f",
    kind="ReplicaSet",
)


def _deleted(item: Object) -> Object:
    return item | {"metadata": item["metadata"] | {"deletionTimestamp": "2026-01-02T03:00:00Z"}}


def _init_waits() -> Object:
    item = failing(status_of(IMAGE, waiting={"reason": "PodInitializing"}) | {"ready": False})
    running = status_of(IMAGE) | {"ready": False}
    item["status"]["initContainerStatuses"] = [
        running | {"name": name} for name in ("proxy", "linstor-wait-node-online")
    ]
    item["spec"]["initContainers"] = [
        {"name": "proxy", "restartPolicy": "Always"},
        {"name": "linstor-wait-node-online"},
    ]
    return item


SLOW = (
    Situation(
        "an init container that waits for something else",
        "piraeus issue 240: linstor-wait-node-online; a sidecar runs beside it",
        "INIT_NOT_FINISHED",
        "(linstor-wait-node-online): Running: the init container has not finished; HelmRelease",
        "logs POD --container CONTAINER",
        cluster(_init_waits()),
    ),
    Situation(
        "an image that is still pulled after a mount that failed at first",
        "kubelet: Pulling is the newest event of the pod",
        "IMAGE_PULL_SLOW",
        'Pulling image "ghcr.io/cozystack/linstor"',
        "the bastion's load",
        cluster(
            creating(),
            events=(
                event("Pulling", 'Pulling image "ghcr.io/cozystack/linstor"', count=1) | LATER,
                event("FailedMount", 'MountVolume.SetUp failed for volume "tls" : secret "linstor-tls" not found'),
            ),
        ),
    ),
    Situation(
        "a pod that was created after a webhook had refused it",
        "Kubernetes pkg/controller/replicaset: events stay for an hour",
        CRASH,
        "panic: no database",
        "logs POD --previous",
        cluster(
            _created_at("2026-01-02T03:05:05Z", failing(ended(1))),
            events=(_REFUSED,),
        ),
        {LOG_POD: "panic: no database\n"},
    ),
    Situation(
        "a pod that a webhook refuses beside an older one",
        "Kubernetes pkg/controller/replicaset: events stay for an hour",
        "WEBHOOK_REFUSED",
        "failed calling webhook",
        "webhook's own pod",
        cluster(
            _created_at("2026-01-02T03:00:00Z", failing(status_of(IMAGE) | {"ready": True})),
            events=(_REFUSED,),
        ),
    ),
)

_HOOK = "Helm upgrade failed for release cozy-linstor/linstor with chart linstor@0.0.0: failed post-install: timed out"


def _hidden(status: str, reason: str, message: str) -> Mapping[Kind, Any]:
    """Return a cluster whose release keeps its failure only in the condition Released."""
    item = stuck()
    item["status"]["conditions"] = [
        condition("Ready", status, reason, message),
        condition("Released", "False", "UpgradeFailed", _HOOK),
    ]
    return installed(releases=[item])


RETRIES = (
    Situation(
        "a failure while Flux tries again",
        "Flux internal/reconcile/atomic_release.go; cozystack internal/operator: RetryOnFailure, ten minutes",
        "JOB_FAILED",
        "UpgradeFailed: Helm upgrade failed",
        "log of the Job's pod",
        _hidden("Unknown", "Progressing", "Running 'upgrade' action with timeout of 10m0s"),
        waits="",
    ),
    Situation(
        "a failure that was cleaned up",
        "Flux internal/reconcile/release.go: Ready summarizes Remediated before Released",
        "JOB_FAILED",
        "failed post-install",
        "log of the Job's pod",
        _hidden(
            "False", "UninstallSucceeded", "Helm uninstall remediation for release cozy-linstor/linstor.v1 succeeded"
        ),
        waits="",
    ),
    Situation(
        "a failure that is older than what the release waits for now",
        "Flux internal/controller/helmrelease_controller.go: ArtifactFailed",
        "RELEASE_NOT_READY",
        "Source artifact not found",
        "describe helmrelease linstor",
        _hidden("False", "ArtifactFailed", "Source artifact not found, retrying in 30s"),
        waits="",
    ),
)

SERVERS = (
    Situation(
        "an API that another server provides and that is down",
        "helm/helm issue 6439; Kubernetes kube-aggregator",
        "API_SERVICE_UNAVAILABLE",
        "apps.cozystack.io/v1alpha1: the server is currently unable to handle the request",
        "kubectl get apiservices",
        _failed_with(
            "could not get apiVersions from Kubernetes: unable to retrieve the complete list of server APIs: "
            "apps.cozystack.io/v1alpha1: the server is currently unable to handle the request"
        ),
        waits="",
    ),
    Situation(
        "an API that another server provides, of which only an old list is known",
        "client-go discovery: StaleGroupVersionError",
        "API_SERVICE_UNAVAILABLE",
        "stale GroupVersion discovery",
        "kubectl get apiservices",
        _failed_with("apps.cozystack.io/v1alpha1: stale GroupVersion discovery: apps.cozystack.io/v1alpha1"),
        waits="",
    ),
    Situation(
        "an object of an API that another server provides",
        "client-go rest: 503 of the aggregator",
        "API_SERVICE_UNAVAILABLE",
        "get tenants.apps.cozystack.io",
        "kubectl get apiservices",
        _failed_with("the server is currently unable to handle the request (get tenants.apps.cozystack.io root)"),
        waits="",
    ),
    Situation(
        "a conversion webhook that does not answer",
        "cert-manager issue 2757; apiextensions-apiserver conversion",
        "WEBHOOK_REFUSED",
        "conversion webhook for cdi.kubevirt.io/v1beta1",
        "webhook's own pod",
        _failed_with(
            "conversion webhook for cdi.kubevirt.io/v1beta1, Kind=CDI failed: Post "
            '"https://cdi-api.cozy-kubevirt-cdi.svc:443/convert?timeout=30s": dial tcp 10.96.3.3:443: connect: refused'
        ),
        waits="",
    ),
    Situation(
        "a webhook without an endpoint, as Cilium refuses it",
        "cozystack issue 1722",
        "WEBHOOK_REFUSED",
        "lineage.cozystack.io",
        "webhook's own pod",
        _failed_with(
            'create: failed to create: Internal error occurred: failed calling webhook "lineage.cozystack.io": failed '
            'to call webhook: Post "https://lineage-controller-webhook.cozy-system.svc:443/mutate-lineage?timeout=10s":'
            " dial tcp 10.96.106.49:443: connect: operation not permitted"
        ),
        waits="",
    ),
    Situation(
        "a Kubernetes API that refuses connections",
        "Talos KubePrism on 7445",
        "API_OVERLOADED",
        "connection refused",
        "control planes",
        _failed_with(
            'Kubernetes cluster unreachable: Get "https://localhost:7445/version": dial tcp [::1]:7445: connect: '
            "connection refused"
        ),
        waits="",
    ),
    Situation(
        "a registry that the nodes have no route to",
        "Go net: the bastion is stopped, or the nodes have no way to IPv4",
        "SOURCE_NOT_READY",
        "network is unreachable",
        "the nodes can reach it",
        source_fails(
            'failed to determine artifact digest: Get "https://ghcr.io/v2/": dial tcp 140.82.121.34:443: connect: '
            "network is unreachable"
        ),
        waits="",
    ),
    *(
        Situation(name, source, code, words, remedy, _failed_with(message), waits="")
        for name, source, code, words, remedy, message in (
            (
                "an etcd whose database is full",
                "etcd api/v3rpc/rpctypes/error.go: ErrGRPCNoSpace; its quota is 2 GiB",
                "ETCD_DATABASE_FULL",
                "database space exceeded",
                "talosctl etcd defrag",
                "create: failed to create: etcdserver: mvcc: database space exceeded",
            ),
            (
                "a hook whose Job an etcd with a full database does not store",
                "Helm pkg/action/hooks.go; etcd api/v3rpc/rpctypes/error.go",
                "ETCD_DATABASE_FULL",
                "database space exceeded",
                "talosctl etcd alarm disarm",
                "failed pre-install: 1 error occurred:\n\t* etcdserver: mvcc: database space exceeded\n\n",
            ),
            (
                "a webhook that an etcd with a full database stops",
                "Kubernetes apiserver admission/plugin/webhook",
                "ETCD_DATABASE_FULL",
                "database space exceeded",
                "talosctl etcd defrag",
                'Internal error occurred: failed calling webhook "x": etcdserver: mvcc: database space exceeded',
            ),
            (
                "an etcd whose members differ",
                "etcd api/v3rpc/rpctypes/error.go: ErrGRPCCorrupt",
                "ETCD_CORRUPT",
                "corrupt cluster",
                "talosctl etcd alarm list",
                "create: failed to create: etcdserver: corrupt cluster",
            ),
            (
                "an object that is too large for etcd",
                "etcd api/v3rpc/rpctypes/error.go: ErrGRPCRequestTooLarge",
                "OBJECT_TOO_LARGE",
                "request is too large",
                "smaller",
                "create: failed to create: etcdserver: request is too large",
            ),
            (
                "a release whose Secret is too large",
                "Kubernetes pkg/apis/core/validation: MaxSecretSize",
                "OBJECT_TOO_LARGE",
                "may not be more than 1048576 bytes",
                "smaller",
                'create: failed to create: Secret "sh.helm.release.v1.linstor.v1" is invalid: data: Too long: may not '
                "be more than 1048576 bytes",
            ),
        )
    ),
    *(
        Situation(name, source, "API_OVERLOADED", words, "control planes", _failed_with(message), waits="")
        for name, source, words, message in (
            (
                "a hook whose Job an etcd that is too slow does not store",
                "Helm pkg/action/hooks.go; etcd server/etcdserver/errors.go",
                "etcdserver: request timed out",
                "failed pre-install: warning: Hook pre-install linstor/templates/hook.yaml failed: 1 error occurred:\n"
                "\t* etcdserver: request timed out\n\n",
            ),
            (
                "a hook whose Job the API does not accept",
                "Helm pkg/action/hooks.go; client-go rest: 503 of kube-apiserver",
                "(post jobs.batch)",
                "failed pre-install: 1 error occurred:\n"
                "\t* the server is currently unable to handle the request (post jobs.batch)",
            ),
            (
                "a request that the API did not complete",
                "Kubernetes apiserver pkg/endpoints/handlers/finisher",
                "did not complete within requested timeout",
                "Timeout: request did not complete within requested timeout - context deadline exceeded",
            ),
            (
                "an API behind KubePrism that does not answer",
                "Talos KubePrism on 7445",
                "i/o timeout",
                'Kubernetes cluster unreachable: Get "https://localhost:7445/version": dial tcp 127.0.0.1:7445: '
                "i/o timeout",
            ),
            (
                "an API that is slow to agree on a key",
                "Go net/http: tlsHandshakeTimeoutError",
                "TLS handshake timeout",
                'Kubernetes cluster unreachable: Get "https://10.96.0.1:443/version": net/http: TLS handshake timeout',
            ),
            (
                "an etcd whose leader is changing",
                "etcd server/etcdserver/errors.go: ErrTimeoutLeaderTransfer",
                "leader transfer took too long",
                "etcdserver: request timed out, leader transfer took too long",
            ),
            (
                "an etcd without a quorum",
                "etcd api/v3rpc/rpctypes/error.go: ErrGRPCUnhealthy",
                "unhealthy cluster",
                "etcdserver: unhealthy cluster",
            ),
            (
                "an etcd that asks another member",
                "etcd api/v3rpc/rpctypes/error.go: ErrGRPCNotLeader",
                "not leader",
                "etcdserver: not leader",
            ),
            (
                "an etcd that is being stopped",
                "etcd api/v3rpc/rpctypes/error.go: ErrGRPCStopped",
                "server stopped",
                "etcdserver: server stopped",
            ),
            (
                "a request that the API did not finish in its time",
                "client-go rest: 504",
                "in the time allotted",
                "the server was unable to return a response in the time allotted, but may still be processing the "
                "request (post secrets)",
            ),
            (
                "an API that refuses more requests for a while",
                "Kubernetes apiserver pkg/server/filters: tooManyRequests",
                "Too many requests",
                "Too many requests, please try again later.",
            ),
            (
                "an API server that is being stopped",
                "golang.org/x/net/http2: GOAWAY",
                "GOAWAY",
                "http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR",
            ),
            (
                "an API that still reads its storage",
                "Kubernetes apiserver pkg/storage/cacher: errCacherNotReady",
                "storage is (re)initializing",
                "storage is (re)initializing",
            ),
            (
                "an API that limits requests",
                "Kubernetes apiserver: API priority and fairness",
                "too many requests",
                "unable to get apiVersions: the server has received too many requests and has asked us to try again "
                "later",
            ),
        )
    ),
    Situation(
        "a registry that is slow to agree on a key",
        "Go net/http: tlsHandshakeTimeoutError",
        "SOURCE_NOT_READY",
        "TLS handshake timeout",
        "the nodes can reach it",
        source_fails('failed to determine artifact digest: Get "https://ghcr.io/v2/": net/http: TLS handshake timeout'),
        waits="",
    ),
)

RELEASES = (
    Situation(
        "a kind that no release has brought yet",
        "Helm pkg/kube; seen with cozystack's piraeus-operator",
        "KIND_MISSING",
        'no matches for kind "PrometheusRule"',
        "disabled or not ready",
        _failed_with(
            'unable to build kubernetes objects from release manifest: resource mapping not found for name: "piraeus" '
            'namespace: "" from "": no matches for kind "PrometheusRule" in version "monitoring.coreos.com/v1"'
        ),
        waits="",
    ),
    Situation(
        "an installation that was interrupted",
        "Helm pkg/action: errPending",
        "RELEASE_LOCKED",
        "another operation",
        "sh.helm.release.v1.NAME.vN",
        _failed_with("another operation (install/upgrade/rollback) is in progress"),
        waits="",
    ),
    Situation(
        "values that the chart's schema refuses",
        "Helm pkg/chartutil/jsonschema.go",
        "VALUES_REFUSED",
        "replicas: Invalid type",
        "cozystack_values for the platform",
        _failed_with(
            "values don't meet the specifications of the schema(s) in the following chart(s): linstor: - "
            "replicas: Invalid type"
        ),
        waits="",
    ),
    Situation(
        "a value that a template needs and does not find",
        "Go text/template",
        "VALUES_REFUSED",
        "can't evaluate field",
        "cozystack_values for the platform",
        _failed_with(
            'template: linstor/templates/x.yaml:3:4: executing "linstor/templates/x.yaml" at <.Values.a.b>: '
            "can't evaluate field b in type interface {}"
        ),
        waits="",
    ),
    Situation(
        "a kind that the API server does not serve any more",
        "Kubernetes apimachinery pkg/api/errors: NewGenericServerResponse, 404",
        "KIND_MISSING",
        "could not find the requested resource",
        "disabled or not ready",
        _failed_with(
            "server-side apply failed for object cozy-linstor/linstor cert-manager.io/v1, Kind=Certificate: "
            "the server could not find the requested resource"
        ),
        waits="",
    ),
    Situation(
        "a removal that was interrupted",
        "helm-controller internal/reconcile/state.go: DetermineReleaseState",
        "RELEASE_LOCKED",
        "status 'uninstalling'",
        "Delete the latest Secret",
        cluster(
            message="Could not determine release state: unable to determine state for release with status "
            "'uninstalling'"
        ),
        waits="",
    ),
    Situation(
        "an etcd that ended while it answered",
        "google.golang.org/grpc: Unavailable, as the API server repeats it",
        "API_OVERLOADED",
        "error reading from server: EOF",
        "CPU credits",
        _failed_with("rpc error: code = Unavailable desc = error reading from server: EOF"),
        waits="",
    ),
    Situation(
        "an etcd that is too slow",
        "etcd server/etcdserver/errors.go",
        "API_OVERLOADED",
        "etcdserver: request timed out",
        "CPU credits",
        _failed_with("create: failed to create: etcdserver: request timed out"),
        waits="",
    ),
    *(
        Situation(
            f"an API that does not answer Helm in time: {words}",
            "client-go, and golang.org/x/net/http2",
            "API_OVERLOADED",
            words,
            "CPU credits",
            _failed_with(message),
            waits="",
        )
        for words, message in (
            (
                "Kubernetes cluster unreachable",
                'Kubernetes cluster unreachable: Get "https://10.96.0.1:443/version": context deadline exceeded',
            ),
            (
                "Client.Timeout exceeded",
                'Post "https://10.96.0.1:443/apis/apps/v1/namespaces/cozy-linstor/deployments": net/http: request '
                "canceled (Client.Timeout exceeded while awaiting headers)",
            ),
            (
                "force closed",
                'Get "https://10.96.0.1:443/api/v1/namespaces/cozy-linstor/secrets": http2: client connection force '
                "closed via ClientConn.Close",
            ),
        )
    ),
    Situation(
        "an object that belongs to another release",
        "Helm pkg/action/validate.go",
        "NAME_CLASH",
        "cannot be imported",
        "another CNI",
        _failed_with('ClusterRole "linstor" in namespace "" exists and cannot be imported into the current release'),
        waits="",
    ),
    Situation(
        "a release of which the cluster knows only that a pod is not ready",
        "Kubernetes API: a readiness gate has no event",
        "RELEASE_NOT_READY",
        f"pods that are not ready: {LOG_POD}",
        "describe helmrelease linstor",
        cluster(unready()),
        waits="",
    ),
)

_UNKNOWN_MANIFEST = (
    "failed to determine artifact digest: GET https://ghcr.io/v2/urmanac/cozystack-packages/manifests/v1.6.3: "
    "MANIFEST_UNKNOWN: manifest unknown"
)

SOURCES = (
    Situation(
        "a new build that was never fetched while all releases of the old one are ready",
        "fluxcd/source-controller OCIRepository: the artifact of the former version stays",
        "SOURCE_NOT_READY",
        "manifest unknown",
        "cluster_cozystack_platform_source_url",
        unfetched(_UNKNOWN_MANIFEST),
        waits="",
    ),
    Situation(
        "a release that waits for a source that cannot be fetched any more",
        "Flux internal/controller/helmrelease_controller.go: ArtifactFailed",
        "SOURCE_NOT_READY",
        "manifest unknown",
        "the nodes can reach it",
        unfetched(_UNKNOWN_MANIFEST, releases=[stuck("Source artifact not found, retrying in 30s")]),
        waits="",
    ),
    Situation(
        "a package whose PackageSource is missing because the registry limits requests",
        "cozystack internal/operator/package_reconciler.go: PackageSourceNotFound",
        "IMAGE_RATE_LIMITED",
        "TOOMANYREQUESTS",
        "Try again later",
        unfetched(
            "failed to pull artifact from 'oci://ghcr.io/x': TOOMANYREQUESTS: retry-after: 1.2ms",
            packages=[
                package(
                    "cozystack.velero",
                    ready=False,
                    reason="PackageSourceNotFound",
                    message="PackageSource cozystack.velero not found",
                )
            ],
        ),
        waits="",
    ),
    Situation(
        "a release that crashes beside a source that cannot be fetched",
        "fluxcd/source-controller OCIRepository",
        CRASH,
        "no such host",
        "logs POD --previous",
        unfetched(_UNKNOWN_MANIFEST, releases=[stuck()], pods=[failing(ended(1))]),
        {LOG_POD: "lookup linstor-db: no such host\n"},
        also=("SOURCE_NOT_READY",),
    ),
)


def _tenant(*others: Object, generation: int = 1, **more: Any) -> Mapping[Kind, Any]:
    """Return a cluster whose root tenant is to have an ingress; more is suspend, shard, and what release takes."""
    suspend, shard = more.pop("suspend", False), more.pop("shard", "shard0")
    item = release("tenant-root", "tenant-root", **more)
    # The API of tenants writes the spec of a Tenant into the values of its HelmRelease.
    item["spec"] |= {"values": {"ingress": True}, "suspend": suspend}
    item["metadata"] |= {"generation": generation, "labels": {"sharding.fluxcd.io/key": shard}}
    item["status"]["conditions"][0]["observedGeneration"] = 1
    return installed(releases=[item, *others])


def _with_pods(pods: list[Object]) -> Mapping[Kind, Any]:
    """Return a cluster whose controllers of Flux have not processed the change of the root tenant."""
    return {**_tenant(generation=2), kinds.POD: pods}


_MONITORED = {"depends_on": [("cozy-victoria-metrics-operator", "victoria-metrics-operator")]}

# The ingress of the root tenant, in cozystack packages/apps/tenant/templates/ingress.yaml.
INGRESS = (
    Situation(
        "an ingress that was deleted and that Helm does not miss",
        "Flux helm-controller: without driftDetection a deleted object comes back with the next upgrade only",
        "RELEASE_NOT_CREATED",
        "HelmRelease tenant-root/ingress: NotCreated: tenant-root/tenant-root enables it and is ready",
        "reconcile.fluxcd.io/forceAt",
        _tenant(),
        waits="",
    ),
    Situation(
        "an ingress that is not created because the tenant's chart refuses its values",
        "Helm pkg/chartutil/jsonschema.go",
        "VALUES_REFUSED",
        "HelmRelease tenant-root/tenant-root: UpgradeFailed",
        "Correct the values",
        _tenant(
            ready=False,
            reason="UpgradeFailed",
            message="Helm upgrade failed for release tenant-root/tenant-root with chart tenant@0.0.0: values don't "
            "meet the specifications of the schema(s) in the following chart(s): tenant: - host: Invalid type",
            failures=1,
        ),
        waits="",
    ),
    Situation(
        "an ingress that is not created because no controller processes the tenant",
        "cozystack packages/system/flux-shard-operator/README.md: Bootstrap on fresh installs",
        "RELEASE_UNASSIGNED",
        "HelmRelease tenant-root/tenant-root: Unassigned: no controller has processed generation 2 yet: its label "
        "sharding.fluxcd.io/key is still tenants",
        "cozystack.flux-shard-operator assigns one",
        _tenant(generation=2, shard="tenants"),
        waits="",
    ),
    Situation(
        "an ingress that is not created because the tenant's controller does not run",
        "Kubernetes API: conditions[].observedGeneration is older than metadata.generation",
        "RELEASE_NOT_READY",
        "HelmRelease tenant-root/tenant-root: Pending: no controller has processed generation 2 yet",
        "describe helmrelease tenant-root",
        _tenant(generation=2),
        waits="",
    ),
    Situation(
        "a tenant whose controller no node has room for",
        "cozystack internal/fluxshardoperator/config.go: helm-controller-shard0; packages/system/flux-shard-operator",
        "INSUFFICIENT_MEMORY",
        "3 Insufficient memory; HelmRelease tenant-root/tenant-root waits for it",
        "larger instance type or more nodes",
        _with_pods(
            [
                waiting_pod(
                    "helm-controller-shard0",
                    "0/3 nodes are available: 3 Insufficient memory.",
                    namespace="cozy-fluxcd",
                )
            ]
        ),
        waits="tenant-root/tenant-root",
    ),
    Situation(
        "a tenant whose controller reaches its memory limit again and again",
        "cozystack packages/system/flux-shard-operator/values.yaml: limits",
        KILLED,
        "OOMKilled, 5 times; HelmRelease tenant-root/tenant-root waits for it",
        _LARGER,
        _with_pods(
            [
                pod(
                    "helm-controller-shard0",
                    "cozy-fluxcd",
                    node="gateway",
                    containers=[ended(137, reason="OOMKilled")],
                )
            ]
        ),
        waits="tenant-root/tenant-root",
    ),
    Situation(
        "an ingress that is not created because the tenant is suspended",
        "Flux api/v2 HelmReleaseSpec.Suspend",
        "RELEASE_SUSPENDED",
        "HelmRelease tenant-root/tenant-root: Suspended: Flux does not process it while spec.suspend is true",
        "edit helmrelease tenant-root",
        _tenant(generation=2, suspend=True),
        waits="",
    ),
    Situation(
        "an ingress whose chart depends on a package that is not installed",
        "cozystack packages/apps/tenant/templates/ingress.yaml: dependsOn",
        "PACKAGE_MISSING",
        "it depends on cozy-victoria-metrics-operator/victoria-metrics-operator of package "
        "cozystack.victoria-metrics-operator, which does not exist",
        "cozystack_disabled_packages",
        _tenant(release("ingress", "tenant-root", ready=False, **_MONITORED)),
        waits="",
    ),
    Situation(
        "an ingress whose chart does not exist in the cluster",
        "Flux internal/controller/helmrelease_controller.go: ArtifactFailed",
        "ARTIFACT_MISSING",
        "cozystack-ingress-application-default-ingress",
        "kubectl get packagesources",
        _tenant(
            release(
                *("ingress", "tenant-root"),
                ready=False,
                reason="ArtifactFailed",
                message="could not get Source object: ExternalArtifact.source.toolkit.fluxcd.io "
                '"cozystack-ingress-application-default-ingress" not found',
            )
        ),
        waits="",
    ),
)

NODES = (
    Situation(
        "a node without a network although all releases are ready",
        "kubelet: NetworkPluginNotReady; go-cni",
        "NODE_NOT_READY",
        "compute-2 is not ready: container runtime network not ready",
        "kubectl --namespace cozy-cilium get pods",
        installed(nodes=[node("gateway"), node("compute-2", conditions=[_NO_CNI])]),
        waits="",
    ),
    Situation(
        "nodes without a network while its own release fails",
        "kubelet: NetworkPluginNotReady; go-cni",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease cilium",
        installed(
            nodes=[node("gateway", conditions=[_NO_CNI])],
            releases=[
                release("cilium", "cozy-cilium", ready=False, reason="InstallFailed", message=DEADLINE, failures=2)
            ],
        ),
        waits="",
    ),
    Situation(
        "a pod that its node cannot stop",
        "Kubernetes pkg/kubelet/pod_workers.go, events.FailedToKillPod; containerd's sandbox",
        "POD_NOT_STOPPED",
        "FailedKillPod, 6 times: error killing pod: failed to",
        "delete pod POD --force",
        cluster(
            _deleted(failing(status_of(IMAGE) | {"ready": False})),
            events=(
                event(
                    "FailedKillPod",
                    f'error killing pod: failed to "KillPodSandbox" for "5a1f" with KillPodSandboxError: "{_CRI}'
                    'failed to destroy network for sandbox: plugin type=kube-ovn failed (delete): dial timeout"',
                ),
                event(
                    "FailedKillPod",
                    f'error killing pod: failed to "KillPodSandbox" for "5a1f" with KillPodSandboxError: "{_CRI_LATE}"',
                )
                | LATER,
            ),
        ),
    ),
)


def _named(item: Object, name: str, owner: tuple[str, str] | None, namespace: str = "cozy-linstor") -> Object:
    """Return a pod with another name and owner."""
    owners = [dict(zip(("kind", "name"), owner, strict=True))] if owner else []
    metadata = item["metadata"] | {"name": name, "namespace": namespace, "ownerReferences": owners}
    return item | {"metadata": metadata}


def _left(reason: str, message: str) -> Object:
    """Return a pod that its ReplicaSet keeps after it was replaced."""
    item = _named(_rejected(reason, message), "linstor-controller-5d7b8f-old01", _REPLICA_SET)
    item["status"]["containerStatuses"] = [status_of(IMAGE) | {"state": {"terminated": _end(143)}, "ready": False}]
    return _created_at("2026-01-01T18:00:00Z", item)


def _ready(**more: Any) -> Object:
    """Return the pod of LINSTOR that is ready."""
    status = status_of(IMAGE, **more) | {"ready": True, "started": True}
    status["state"] = {"running": {"startedAt": "2026-01-02T03:01:00Z"}}
    return _created_at("2026-01-02T03:00:00Z", failing(status))


def _started(code: int, reason: str = "Error", *, since: str = "2026-01-01T18:00:09Z", restarts: int = 1) -> Object:
    """Return the pod of LINSTOR that was restarted and whose readiness probe fails since."""
    last = _end(code, reason) | {"finishedAt": f"{since[:-4]}:00Z"}
    status = status_of(IMAGE, last=last, restarts=restarts) | {"ready": False, "started": True}
    return failing(status | {"state": {"running": {"startedAt": since}}})


_REPLICA_SET = ("ReplicaSet", "linstor-controller-5d7b8f")
_SHUTDOWN = "Pod was terminated in response to imminent node shutdown."
_DEBUG = _named(failing(ended(1)), "debug-1", None)
_UNHEALTHY = event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", count=180)
_EARLY = {LOG_POD: "dial tcp 10.96.0.1:443: connect: connection refused\n"}
_COMPLETE = condition("Complete", "True", "CompletionsReached")


def _after_a_night(objects: Mapping[Kind, Any]) -> Mapping[Kind, Any]:
    """Return a cluster with the pod of the operator that the last stop ended."""
    old = _named(
        _left("Terminated", _SHUTDOWN),
        "cozystack-operator-5d7b8f-old01",
        ("ReplicaSet", "cozystack-operator-5d7b8f"),
        "cozy-system",
    )
    return {**objects, kinds.POD: [old, *objects[kinds.POD]]}


def _ended_while_starting() -> Object:
    item = creating()
    item["status"] |= {"phase": "Failed", "reason": "Terminated", "message": _SHUTDOWN}
    return item


def _hook(*conditions: Object) -> Object:
    return {
        "metadata": {"name": "linstor-hook", "namespace": "cozy-linstor"},
        "status": {"failed": 1, "conditions": list(conditions)},
    }


# What is over, and what came after it: a cluster that is stopped each night is full of such pods.
PAST = (
    Situation(
        "a pod that ended with its node beside its ready replacement",
        "Kubernetes pkg/kubelet/nodeshutdown: ReplicaSets keep such pods",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease linstor",
        cluster(_left("Terminated", _SHUTDOWN), _ready()),
        waits="",
    ),
    Situation(
        "a pod that ended with its node and was not replaced yet",
        "Kubernetes pkg/kubelet/nodeshutdown",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease linstor",
        cluster(_left("Terminated", _SHUTDOWN)),
        waits="",
    ),
    Situation(
        "a pod that ended with its node, whose replacement has a fault of its own",
        "Kubernetes pkg/kubelet/nodeshutdown",
        CRASH,
        "no database",
        "logs POD --previous",
        cluster(_left("Terminated", _SHUTDOWN), _created_at("2026-01-02T03:00:00Z", failing(ended(1)))),
        {LOG_POD: "no database\n"},
    ),
    Situation(
        "an operator of another architecture beside its pod that ended with its node",
        "Kubernetes pkg/kubelet/nodeshutdown; the default build after a night",
        ARCH,
        "1 image is not built for arm64",
        _BUILD,
        _after_a_night(operator(ended(255))),
        {OPERATOR_POD: "exec /cozystack-operator: exec format error\n"},
        waits="cozy-system/cozystack-operator",
    ),
    Situation(
        "a pod that its node refused after a start, and that was replaced",
        "Kubernetes pkg/kubelet/lifecycle/predicate.go",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease linstor",
        cluster(_left("NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed"), _ready()),
        waits="",
    ),
    Situation(
        "a pod that was evicted days ago",
        "Kubernetes pkg/kubelet/eviction/helpers.go",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease linstor",
        cluster(_left("Evicted", _LOW.format("memory", "100Mi", "84Mi")), _ready()),
        waits="",
    ),
    Situation(
        "a container that was killed when its node stopped, while a Service has no address",
        "containerd: exit code 137 of a stop without grace; Helm pkg/kube/ready.go: serviceReady",
        "LOAD_BALANCER_PENDING",
        "no address is assigned",
        "address pool for MetalLB",
        cluster(_ready(last=_end(137), restarts=3), services=[_load_balancer()]),
    ),
    Situation(
        "a container that its liveness probe ended once and that is ready",
        "Kubernetes pkg/kubelet/prober/prober.go: events stay for an hour",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease linstor",
        cluster(_ready(last=_end(137), restarts=1), events=(event("Unhealthy", _LIVENESS),)),
        waits="",
    ),
    Situation(
        "a container that ran out of memory once and is ready",
        "containerd: lastState, reason OOMKilled",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease linstor",
        cluster(_ready(last=_end(137, "OOMKilled"), restarts=1)),
        also=(KILLED,),
        waits="",
    ),
    Situation(
        "a Job that is complete at its second attempt",
        "Kubernetes pkg/controller/job: restartPolicy Never keeps the failed pod",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease linstor",
        cluster(_job_pod(), jobs=[_hook(_COMPLETE)]),
        {"linstor-hook-7k2vq": "dial tcp 10.96.0.1:443: i/o timeout\n"},
        waits="",
    ),
    Situation(
        "a container that failed at first and whose readiness probe fails since",
        "Kubernetes pkg/kubelet/prober/prober.go: count grows",
        "PROBE_FAILED",
        "statuscode: 503",
        "Read its log",
        cluster(_started(1), events=(_UNHEALTHY,)),
        _EARLY,
    ),
    Situation(
        "a container whose node was lost and whose readiness probe fails since",
        "containerd internal/cri/server/restart.go: reason Unknown, exit code 255",
        "PROBE_FAILED",
        "statuscode: 503",
        "Read its log",
        cluster(_started(255, "Unknown"), events=(_UNHEALTHY,)),
        {LOG_POD: "shutting down\n"},
    ),
    Situation(
        "a container that failed minutes ago and whose readiness probe fails since",
        "Kubernetes pkg/kubelet/prober/prober.go: count grows",
        "PROBE_FAILED",
        "statuscode: 503",
        "Read its log",
        cluster(_started(1, since="2026-01-02T03:00:00Z"), events=(_UNHEALTHY,)),
        _EARLY,
    ),
    Situation(
        "a container that failed after its readiness probe",
        "Kubernetes API: state.running.startedAt",
        CRASH,
        "connection refused",
        "logs POD --previous",
        cluster(_started(1, since="2026-01-02T03:05:00Z"), events=(_UNHEALTHY,)),
        _EARLY,
    ),
    Situation(
        "a pod that ended with its node before its containers were created",
        "Kubernetes pkg/kubelet/nodeshutdown; events stay for an hour",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease linstor",
        cluster(
            _ended_while_starting(),
            events=(
                event("FailedMount", 'MountVolume.SetUp failed for volume "tls" : secret "linstor-tls" not found'),
            ),
        ),
        waits="",
    ),
    Situation(
        "a container that was restarted each morning and whose readiness probe fails for hours",
        "Kubernetes pkg/kubelet/kuberuntime: the back-off ends after ten minutes",
        "PROBE_FAILED",
        "statuscode: 503",
        "Read its log",
        cluster(_started(1, restarts=12), events=(_UNHEALTHY,)),
        _EARLY,
    ),
    Situation(
        "a container that crashes every few minutes and is not ready between",
        "kubelet: a readiness probe fails in each run",
        CRASH,
        "connection refused",
        "logs POD --previous",
        cluster(_started(1, since="2026-01-02T03:02:00Z", restarts=12), events=(_UNHEALTHY,)),
        _EARLY,
    ),
)

_IMMUTABLE = (
    'Helm upgrade failed for release cozy-linstor/linstor with chart linstor@0.0.0: cannot patch "linstor-controller" '
    'with kind Deployment: Deployment.apps "linstor-controller" is invalid: spec.selector: Invalid value: '
    '{"matchLabels":{"app":"linstor"}}: field is immutable'
)
_TEMPLATE = (
    "Helm upgrade failed for release cozy-linstor/linstor with chart linstor@0.0.0: template: linstor/templates/x.yaml:"
    '3:4: executing "linstor/templates/x.yaml" at <.Values.a.b>: nil pointer evaluating interface {}.b'
)


def _stalled(*what: str) -> str:
    """Return the message of a release whose objects have failed."""
    objects = ", ".join(f"{one} status: 'Failed'" for one in what)
    return f"Helm install failed for release cozy-linstor/linstor with chart linstor@0.0.0: {_EARLY_END}: [{objects}]"


# CozyStack v1.5 and v1.6 have helm-controller v1.5.0, which waits with kstatus. A Deployment has failed after the ten
# minutes of its progressDeadlineSeconds: from then on every further attempt ends at once, and says only that.
_KSTATUS = "fluxcd/pkg ssa/manager_wait.go: WaitForSetWithContext; helm-controller v1.5.0 internal/action/wait.go"
_EARLY_END = "failed early due to stalled resources"
_LATE_END = "Helm install failed for release cozy-linstor/linstor with chart linstor@0.0.0: timeout waiting for"
STALLED = (
    Situation(
        "a Deployment that has failed, and the crash of its pod",
        _KSTATUS,
        CRASH,
        "exit code 1, 5 times: no database",
        "logs POD --previous",
        cluster(failing(ended(1)), message=_stalled("Deployment/cozy-linstor/linstor-controller")),
        {LOG_POD: "no database\n"},
    ),
    Situation(
        "a Deployment that has failed, and a program of another architecture",
        _KSTATUS,
        "ARCH_UNSUPPORTED_IMAGES",
        "exec /linstor: exec format error",
        "Build them for it",
        cluster(failing(ended(255)), message=_stalled("Deployment/cozy-linstor/linstor-controller")),
        {LOG_POD: "exec /linstor: exec format error\n"},
    ),
    Situation(
        "a Deployment that has failed, and whose pods no node has room for",
        _KSTATUS,
        "INSUFFICIENT_MEMORY",
        "3 Insufficient memory",
        "larger instance type or more nodes",
        cluster(
            waiting_pod("linstor-controller", "0/3 nodes are available: 3 Insufficient memory."),
            message=_stalled("Deployment/cozy-linstor/linstor-controller"),
        ),
    ),
    Situation(
        "a Deployment that has failed, while nothing says why",
        _KSTATUS,
        "RELEASE_NOT_READY",
        _EARLY_END,
        "kubectl --namespace cozy-linstor describe deployment linstor-controller",
        cluster(message=_stalled("Deployment/cozy-linstor/linstor-controller")),
        waits="",
    ),
    Situation(
        "a certificate that is not issued",
        _KSTATUS,
        "RELEASE_NOT_READY",
        "Certificate/cozy-linstor/linstor-api-tls status: 'InProgress'",
        "kubectl --namespace cozy-linstor describe certificate linstor-api-tls",
        cluster(message=f"{_LATE_END}: [Certificate/cozy-linstor/linstor-api-tls status: 'InProgress']"),
        waits="",
    ),
    Situation(
        "an object of the whole cluster that is not ready",
        _KSTATUS,
        "RELEASE_NOT_READY",
        "LinstorCluster/linstorcluster status: 'InProgress'",
        "kubectl describe linstorcluster linstorcluster",
        cluster(message=f"{_LATE_END}: [LinstorCluster/linstorcluster status: 'InProgress']"),
        waits="",
    ),
    Situation(
        "a Job that has failed, and is gone",
        _KSTATUS,
        "JOB_FAILED",
        "Job/cozy-linstor/linstor-migrate status: 'Failed'",
        "log of the Job's pod",
        cluster(message=_stalled("Deployment/cozy-linstor/linstor-csi", "Job/cozy-linstor/linstor-migrate")),
        waits="",
    ),
    Situation(
        "a Job that still runs, and the crash of another pod",
        _KSTATUS,
        CRASH,
        "no database",
        "logs POD --previous",
        cluster(failing(ended(1)), message=f"{_LATE_END}: [Job/cozy-linstor/linstor-migrate status: 'InProgress']"),
        {LOG_POD: "no database\n"},
    ),
    Situation(
        "a retry that has just begun, and the crash of a pod",
        "Flux internal/controller/helmrelease_controller.go: Ready is Unknown until the action runs",
        CRASH,
        "no database",
        "logs POD --previous",
        installed(
            releases=[
                release(
                    "linstor",
                    "cozy-linstor",
                    ready=False,
                    status="Unknown",
                    reason="Progressing",
                    message="reconciliation in progress",
                    failures=3,
                )
            ],
            pods=[failing(ended(1))],
        ),
        {LOG_POD: "no database\n"},
    ),
)

# Helm says plainly why a release fails, and its namespace has other faults.
WORDS = (
    Situation(
        "a field that cannot be changed, and a container that ran out of memory ten days ago",
        "Kubernetes pkg/apis/apps/validation: field is immutable",
        "RELEASE_NOT_READY",
        "field is immutable",
        "describe helmrelease linstor",
        cluster(_ready(last=_end(137, "OOMKilled"), restarts=1), message=_IMMUTABLE),
        also=(KILLED,),
        waits="",
    ),
    Situation(
        "a field that cannot be changed, and a crash of the same release",
        "Kubernetes pkg/apis/apps/validation: field is immutable",
        "RELEASE_NOT_READY",
        "field is immutable",
        "describe helmrelease linstor",
        cluster(failing(ended(1)), message=_IMMUTABLE),
        {LOG_POD: "no database\n"},
        also=(CRASH,),
        waits="",
    ),
    Situation(
        "a field that cannot be changed, and a user's debug pod that crashes",
        "Kubernetes pkg/apis/apps/validation: field is immutable",
        "RELEASE_NOT_READY",
        "field is immutable",
        "describe helmrelease linstor",
        cluster(_DEBUG, message=_IMMUTABLE),
        also=(CRASH,),
        waits="",
    ),
    Situation(
        "a template that fails, and a pod that waits for memory",
        "Go text/template",
        "VALUES_REFUSED",
        "nil pointer evaluating interface",
        "cozystack_values for the platform",
        cluster(
            waiting_pod("linstor-controller", "0/3 nodes are available: 3 Insufficient memory."), message=_TEMPLATE
        ),
        also=("INSUFFICIENT_MEMORY",),
        waits="",
    ),
    Situation(
        "a webhook that does not answer because its pod crashes",
        "Kubernetes apiserver admission/plugin/webhook",
        CRASH,
        "no database",
        "logs POD --previous",
        cluster(
            failing(ended(1)),
            message="Helm upgrade failed for release cozy-linstor/linstor with chart linstor@0.0.0: Internal error "
            'occurred: failed calling webhook "linstor.x": Post "https://linstor.cozy-linstor.svc:443/x": refused',
        ),
        {LOG_POD: "no database\n"},
        also=("WEBHOOK_REFUSED",),
    ),
    Situation(
        "values that the schema refuses, and a crash of the same release",
        "Helm pkg/chartutil/jsonschema.go",
        "VALUES_REFUSED",
        "replicas: Invalid type",
        "Correct the values",
        cluster(
            failing(ended(1)),
            message="Helm upgrade failed for release cozy-linstor/linstor with chart linstor@0.0.0: values don't meet "
            "the specifications of the schema(s) in the following chart(s): linstor: - replicas: Invalid type",
        ),
        {LOG_POD: "no database\n"},
        also=(CRASH,),
        waits="",
    ),
)

_MY_APP = _named(failing(ended(1)), "my-app-6c9f-xx1", ("ReplicaSet", "my-app-6c9f"), "tenant-root")
_MY_LOG = {"my-app-6c9f-xx1": "cannot connect to my own database\n"}


def _with_release(objects: Mapping[Kind, Any], *releases: Object) -> Mapping[Kind, Any]:
    return {**objects, HELM_RELEASE: [*objects[HELM_RELEASE], *releases]}


def _of_tenant(
    *pods: Object, deployments: tuple[Object, ...] = (), jobs: tuple[Object, ...] = ()
) -> Mapping[Kind, Any]:
    """Return a cluster whose root tenant has an etcd that is ready and an ingress that is not."""
    message = "Helm install failed for release tenant-root/ingress with chart ingress@0.0.0: context deadline exceeded"
    fails = release("ingress", "tenant-root", ready=False, reason="InstallFailed", message=message, failures=1)
    objects = dict(_tenant(release("etcd", "tenant-root"), fails))
    objects[kinds.DEPLOYMENT] = [*objects[kinds.DEPLOYMENT], *deployments]
    return objects | {kinds.POD: list(pods), kinds.JOB: list(jobs)}


def _made(name: str, *makers: Object) -> Object:
    """Return a Deployment in the root tenant that no chart made."""
    return {"metadata": {"name": name, "namespace": "tenant-root", "ownerReferences": list(makers)}}


def _defrag() -> tuple[Object, Object]:
    """Return the failed pod of a CronJob, and its Job."""
    name = "defrag-29384160"
    metadata = {"name": name, "namespace": "tenant-root", "ownerReferences": [{"kind": "CronJob", "name": "defrag"}]}
    return _named(_job_pod(), f"{name}-abcde", ("Job", name), "tenant-root"), {"metadata": metadata}


def _of_user(name: str, *containers: Object) -> Object:
    return _named(pod(name, node="gateway", containers=list(containers)), name, None, "default")


def _with_api(objects: Mapping[Kind, Any]) -> Mapping[Kind, Any]:
    """Return a cluster in which the API of applications crashes, too."""
    crashing = failing(ended(1) | {"image": "x/api"})
    item = _named(crashing, "cozystack-api-7f-aa", ("ReplicaSet", "cozystack-api-7f"), "cozy-system")
    return {**objects, kinds.POD: [*objects[kinds.POD], item]}


_TYPO = held("ImagePullBackOff", 'Back-off pulling image "my/app:typo": not found') | {"image": "my/app:typo"}
_NO_ROOM = "0/3 nodes are available: 3 Insufficient memory."
_BIG = _named(waiting_pod("my-big", _NO_ROOM), "my-big", None, "default")

# Pods that are in the namespace of a release, or in the cluster, and that nothing waits for.
BYSTANDERS = (
    Situation(
        "a user's Deployment that crashes in the namespace of the root tenant",
        "CozyStack's documentation: applications run in namespaces of tenants",
        "RELEASE_NOT_READY",
        "HelmRelease tenant-root/ingress: InstallFailed",
        "describe helmrelease ingress",
        _of_tenant(_MY_APP, deployments=(_made("my-app"),)),
        _MY_LOG,
        also=(CRASH,),
        waits="",
    ),
    Situation(
        "a user's Deployment with the name of a module in its own",
        "CozyStack's documentation: applications run in namespaces of tenants",
        "RELEASE_NOT_READY",
        "HelmRelease tenant-root/ingress: InstallFailed",
        "describe helmrelease ingress",
        _of_tenant(
            _named(failing(ended(1)), "my-ingress-6c9f-xx1", ("ReplicaSet", "my-ingress-6c9f"), "tenant-root"),
            deployments=(_made("my-ingress"),),
        ),
        also=(CRASH,),
        waits="",
    ),
    Situation(
        "a pod that an operator created for a module of the root tenant",
        "VictoriaMetrics' operator: its StatefulSets have owners, and names of their own",
        CRASH,
        "disk full; HelmRelease tenant-root/ingress waits for it",
        "logs POD --previous",
        _of_tenant(
            _named(failing(ended(1)), "vmselect-0-5d7b8f-x2x4z", ("ReplicaSet", "vmselect-0-5d7b8f"), "tenant-root"),
            deployments=(_made("vmselect-0", {"kind": "VMCluster", "name": "shortterm"}),),
        ),
        {"vmselect-0-5d7b8f-x2x4z": "disk full\n"},
        waits="tenant-root/ingress",
    ),
    Situation(
        "a user's debug pod that crashes beside a release whose time is up",
        "kubectl run: a pod without an owner",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease linstor",
        cluster(_DEBUG),
        also=(CRASH,),
        waits="",
    ),
    Situation(
        "a pod that may be of either of two releases",
        "piraeus-operator creates pods of its own names",
        CRASH,
        "HelmRelease cozy-linstor/linstor or cozy-linstor/piraeus-operator waits for it",
        "logs POD --previous",
        _with_release(
            cluster(_named(failing(ended(1)), "ha-controller-x2x4z", ("DaemonSet", "ha-controller"))),
            release(
                *("piraeus-operator", "cozy-linstor"), ready=False, reason="InstallFailed", message=DEADLINE, failures=1
            ),
        ),
        also=("RELEASE_NOT_READY", "RELEASE_NOT_READY"),
        waits="cozy-linstor/linstor, cozy-linstor/piraeus-operator",
    ),
    Situation(
        "a CronJob that fails while its release is ready",
        "cozystack packages/extra/etcd/templates: etcd-defrag",
        "RELEASE_NOT_READY",
        "HelmRelease tenant-root/ingress: InstallFailed",
        "describe helmrelease ingress",
        _of_tenant(_named(_job_pod(), "etcd-defrag-29384160-abcde", ("Job", "etcd-defrag-29384160"), "tenant-root")),
        {"etcd-defrag-29384160-abcde": "endpoint unhealthy\n"},
        waits="",
    ),
    Situation(
        "a CronJob of no release that fails",
        "Kubernetes pkg/controller/cronjob: ownerReferences of its Jobs",
        "RELEASE_NOT_READY",
        "HelmRelease tenant-root/ingress: InstallFailed",
        "describe helmrelease ingress",
        _of_tenant(_defrag()[0], jobs=(_defrag()[1],)),
        waits="",
    ),
    Situation(
        "another Deployment that crashes beside the operator",
        "cozystack packages/system/cozystack-api",
        CRASH,
        "the operator's cause; Deployment cozy-system/cozystack-operator waits for it",
        "logs POD --previous",
        _with_api(operator(ended(1))),
        {OPERATOR_POD: "the operator's cause\n", "cozystack-api-7f-aa": "another cause\n"},
        also=(CRASH,),
        waits="cozy-system/cozystack-operator",
    ),
    Situation(
        "a user's image that does not exist and a user's pod that is too large, while LINSTOR crashes",
        "kubelet and kube-scheduler, in the order of the API",
        CRASH,
        "no database; HelmRelease cozy-linstor/linstor waits for it",
        "logs POD --previous",
        cluster(_of_user("my-app", _TYPO), _BIG, failing(ended(1))),
        {LOG_POD: "no database\n"},
        also=("IMAGE_PULL_FAILED", "INSUFFICIENT_MEMORY"),
    ),
    Situation(
        "a user's pod that is too large before one of a release",
        "kube-scheduler, in the order of the API",
        "INSUFFICIENT_MEMORY",
        "HelmRelease cozy-linstor/linstor waits for it",
        _LARGER,
        cluster(_BIG, waiting_pod("linstor-controller", _NO_ROOM)),
    ),
    Situation(
        "a pod of a release at work that is too large before one of a release that fails",
        "kube-scheduler, in the order of the API",
        "INSUFFICIENT_MEMORY",
        "HelmRelease cozy-linstor/linstor waits for it",
        _LARGER,
        _with_release(
            cluster(
                _named(waiting_pod("a", _NO_ROOM), "a-0", ("StatefulSet", "a"), "cozy-a"),
                waiting_pod("linstor-controller", _NO_ROOM),
            ),
            release("a", "cozy-a", ready=False, status="Unknown", reason="Progressing"),
        ),
    ),
    Situation(
        "a user's claim without a volume while LINSTOR crashes",
        "kube-scheduler: VolumeBinding",
        CRASH,
        "no database",
        "logs POD --previous",
        cluster(
            _named(
                waiting_pod("my-db", "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims."),
                "my-db",
                None,
                "default",
            ),
            failing(ended(1)),
        ),
        {LOG_POD: "no database\n"},
        also=("VOLUME_PENDING",),
    ),
    Situation(
        "an image that a user's pod and one of a release need",
        "docker.io's registry",
        "IMAGE_RATE_LIMITED",
        "toomanyrequests",
        "Try again later",
        cluster(
            _of_user("my-app", held("ErrImagePull", _DOCKER)),
            failing(held("ErrImagePull", _DOCKER)),
        ),
    ),
    Situation(
        "a pod that waits in an init container for one that crashes",
        "kube-ovn: kube-ovn-controller waits for ovn-central",
        CRASH,
        "database corrupt",
        "logs POD --previous",
        cluster(
            _named(_init_waits(), "kube-ovn-controller-7-a", ("ReplicaSet", "kube-ovn-controller-7")),
            _named(failing(ended(1)), "ovn-central-7-b", ("ReplicaSet", "ovn-central-7")),
        ),
        {"ovn-central-7-b": "database corrupt\n"},
        also=("INIT_NOT_FINISHED",),
    ),
)

_OTHER = "OTHER_RELEASE_NOT_READY"
_LATE = "Helm install failed for release default/podinfo with chart podinfo@6.7.0: context deadline exceeded"


def _of_a_user(name: str, namespace: str, **labels: str) -> Object:
    item = release(name, namespace, ready=False, reason="InstallFailed", message=_LATE, failures=3)
    item["metadata"]["labels"] |= labels
    return item


def _made_by(name: str) -> dict[str, str]:
    """Return the labels of an object that the chart of a release in the root tenant made."""
    return {_RELEASE: name, "helm.toolkit.fluxcd.io/namespace": "tenant-root"}


# Releases that users have created: CozyStack is ready without them.
OTHERS = (
    Situation(
        "a user's release that fails",
        "Flux api/v2 HelmRelease without the label cozystack.io/package",
        _OTHER,
        "HelmRelease default/podinfo: InstallFailed",
        "kubectl --namespace default describe helmrelease podinfo",
        installed(releases=[_of_a_user("podinfo", "default")]),
        blocks=False,
        waits="",
    ),
    Situation(
        "a user's application in the root tenant that fails, with what its chart created",
        "cozystack pkg/registry/apps/application/rest.go; helm-controller's origin labels",
        _OTHER,
        "HelmRelease tenant-root/kubernetes-foo: InstallFailed",
        "describe helmrelease kubernetes-foo",
        _tenant(
            release("ingress", "tenant-root"),
            _of_a_user("kubernetes-foo", "tenant-root"),
            _of_a_user("kubernetes-foo-cilium", "tenant-root", **_made_by("kubernetes-foo")),
        ),
        blocks=False,
        waits="",
    ),
    Situation(
        "a release that a module of the root tenant created",
        "cozystack packages/extra/ingress/templates/nginx-ingress.yaml",
        "RELEASE_NOT_READY",
        "HelmRelease tenant-root/ingress-nginx-system: InstallFailed",
        "describe helmrelease ingress-nginx-system",
        _tenant(
            release("ingress", "tenant-root"),
            _of_a_user("ingress-nginx-system", "tenant-root", **_made_by("ingress")),
        ),
        waits="",
    ),
    Situation(
        "a module of the root tenant that only its label names",
        "cozystack packages/apps/tenant/templates/info.yaml: internal.cozystack.io/tenantmodule",
        "RELEASE_NOT_READY",
        "HelmRelease tenant-root/info: InstallFailed",
        "describe helmrelease info",
        _tenant(
            release("ingress", "tenant-root"),
            _of_a_user("info", "tenant-root", **{"internal.cozystack.io/tenantmodule": "true"}),
        ),
        waits="",
    ),
    Situation(
        "a crash of a user's application beside an ingress that fails",
        "cozystack packages/apps/postgres: pods of the release's name",
        "RELEASE_NOT_READY",
        "HelmRelease tenant-root/ingress: InstallFailed",
        "describe helmrelease ingress",
        _with_release(
            _of_tenant(_named(failing(ended(1)), "postgres-foo-1", ("Cluster", "postgres-foo"), "tenant-root")),
            _of_a_user("postgres-foo", "tenant-root"),
        ),
        also=(CRASH, _OTHER),
        waits="",
    ),
)

_CNPG = Kind("postgresql.cnpg.io", "v1", "clusters", "Cluster")
_VM_CLUSTER = Kind("operator.victoriametrics.com", "v1beta1", "vmclusters", "VMCluster")
_KAFKA = Kind("kafka.strimzi.io", "v1beta2", "kafkas", "Kafka")
_POD_SET = Kind("core.strimzi.io", "v1beta2", "strimzipodsets", "StrimziPodSet")
_LINSTOR_CLUSTER = Kind("piraeus.io", "v1", "linstorclusters", "LinstorCluster", namespaced=False)


def _reference(kind: Kind, name: str) -> Object:
    return {"apiVersion": kind.api_version, "kind": kind.kind, "name": name, "controller": True}


def _object(name: str, *makers: Object, of: str = "", namespace: str = "tenant-root", **more: Any) -> Object:
    """Return an object that a chart or another object made."""
    labels = _made_by(of) | {"helm.toolkit.fluxcd.io/namespace": namespace} if of else {}
    where = {"namespace": namespace} if more.pop("namespaced", True) else {}
    return {"metadata": {"name": name, **where, "labels": labels, "ownerReferences": list(makers), **more}}


def _operated(item: Object, name: str, owner: Object, namespace: str = "tenant-root") -> Object:
    """Return a pod of an operator."""
    named = _named(item, name, None, namespace)
    return named | {"metadata": named["metadata"] | {"ownerReferences": [owner]}}


def _of_modules(*pods: Object, others: tuple[Object, ...] = (), **more: Any) -> Mapping[Kind, Any]:
    """Return a cluster whose root tenant has a monitoring and an ingress of which Flux says only that time is up."""
    late = [
        release(
            *(name, "tenant-root"),
            ready=False,
            reason="InstallFailed",
            message=f"Helm install failed for release tenant-root/{name}: context deadline exceeded",
            failures=2,
        )
        for name in more.pop("failing", ("ingress", "monitoring"))
    ]
    kinds_of = more.pop("objects", {})
    made = installed(releases=[release("tenant-root", "tenant-root"), *late, *others], pods=list(pods), **more)
    return {**made, **kinds_of}


def _inner() -> Object:
    """Return the release that the chart of monitoring creates."""
    return _of_a_user("monitoring-system", "tenant-root", **_made_by("monitoring"))


_DATABASE = _operated(failing(ended(1)), "grafana-db-1", _reference(_CNPG, "grafana-db"))
_DATABASE_LOG = {"grafana-db-1": "FATAL: could not write to file: No space left on device\n"}
_OF_CHART = {_CNPG: [_object("grafana-db", of="monitoring")]}
_UNBOUND = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3 nodes."
_OF_HA = _operated(
    failing(ended(1)), "ha-controller-x2x4z", _reference(kinds.DAEMON_SET, "ha-controller"), "cozy-linstor"
)

# Pods whose owners have no label of a release: those that operators and hooks create.
OPERATED = (
    Situation(
        "a pod that CloudNativePG owns by the kind of a database",
        "cloudnative-pg pkg/specs/pods.go: the Cluster is the controller of its pods",
        CRASH,
        "No space left on device; HelmRelease tenant-root/monitoring waits for it",
        "logs POD --previous",
        _of_modules(_DATABASE, objects=_OF_CHART),
        _DATABASE_LOG,
        also=("RELEASE_NOT_READY",),
        waits="tenant-root/monitoring",
    ),
    Situation(
        "a database's pod that waits for memory",
        "cloudnative-pg pkg/specs/pods.go; kube-scheduler",
        "INSUFFICIENT_MEMORY",
        "HelmRelease tenant-root/monitoring waits for it",
        _LARGER,
        _of_modules(
            _operated(waiting_pod("grafana-db", _NO_ROOM), "grafana-db-1", _reference(_CNPG, "grafana-db")),
            objects=_OF_CHART,
        ),
        also=("RELEASE_NOT_READY",),
        waits="tenant-root/monitoring",
    ),
    Situation(
        "a database's image that its registry limits",
        "cloudnative-pg pkg/specs/pods.go; docker.io's registry",
        "IMAGE_RATE_LIMITED",
        "toomanyrequests",
        "Try again later",
        _of_modules(
            _operated(failing(held("ErrImagePull", _DOCKER)), "grafana-db-1", _reference(_CNPG, "grafana-db")),
            objects=_OF_CHART,
        ),
        also=("RELEASE_NOT_READY",),
        waits="tenant-root/monitoring",
    ),
    Situation(
        "a database's first Job that waits for its volume",
        "cloudnative-pg pkg/specs/jobs.go: initdb, owned by the Cluster",
        "VOLUME_PENDING",
        "HelmRelease tenant-root/monitoring waits for it",
        "the pool's nodes and free space",
        _of_modules(
            _operated(
                waiting_pod("x", _UNBOUND), "grafana-db-1-initdb-x2x4z", _reference(kinds.JOB, "grafana-db-1-initdb")
            ),
            failing=("monitoring",),
            jobs=[_object("grafana-db-1-initdb", _reference(_CNPG, "grafana-db"))],
            objects=_OF_CHART,
        ),
        waits="tenant-root/monitoring",
    ),
    Situation(
        "a StatefulSet that VictoriaMetrics' operator created for a VMCluster",
        "VictoriaMetrics/operator internal/controller/operator/factory/vmcluster",
        CRASH,
        "disk full; HelmRelease tenant-root/monitoring waits for it",
        "logs POD --previous",
        _of_modules(
            _operated(failing(ended(1)), "vmstorage-longterm-0", _reference(kinds.STATEFUL_SET, "vmstorage-longterm")),
            objects={
                kinds.STATEFUL_SET: [_object("vmstorage-longterm", _reference(_VM_CLUSTER, "longterm"))],
                _VM_CLUSTER: [_object("longterm", of="monitoring")],
            },
        ),
        {"vmstorage-longterm-0": "disk full\n"},
        also=("RELEASE_NOT_READY",),
        waits="tenant-root/monitoring",
    ),
    Situation(
        "a DaemonSet that an object without a namespace owns",
        "piraeusdatastore/piraeus-operator: LinstorCluster is of the whole cluster",
        CRASH,
        "no quorum; HelmRelease cozy-linstor/linstor waits for it",
        "logs POD --previous",
        {
            **_with_release(
                cluster(_OF_HA),
                release("piraeus-operator", "cozy-linstor", ready=False, reason="InstallFailed", message=DEADLINE),
            ),
            kinds.DAEMON_SET: [
                _object("ha-controller", _reference(_LINSTOR_CLUSTER, "linstorcluster"), namespace="cozy-linstor")
            ],
            _LINSTOR_CLUSTER: [_object("linstorcluster", of="linstor", namespace="cozy-linstor", namespaced=False)],
        },
        {"ha-controller-x2x4z": "no quorum\n"},
        also=("RELEASE_NOT_READY",),
    ),
    Situation(
        "a user's Kafka that crashes beside a module that fails",
        "strimzi: a StrimziPodSet owns the pods, and the Kafka of the application's chart owns that",
        "RELEASE_NOT_READY",
        "HelmRelease tenant-root/ingress: InstallFailed",
        "describe helmrelease ingress",
        _of_modules(
            _operated(failing(ended(1)), "queue-broker-0", _reference(_POD_SET, "queue-broker")),
            failing=("ingress",),
            others=(_of_a_user("kafka-queue", "tenant-root"),),
            objects={
                _POD_SET: [_object("queue-broker", _reference(_KAFKA, "queue"))],
                _KAFKA: [_object("queue", of="kafka-queue")],
            },
        ),
        also=(CRASH, _OTHER),
        waits="",
    ),
    Situation(
        "a database that a user created without a chart beside a module that fails",
        "cloudnative-pg: kubectl apply of a Cluster",
        "RELEASE_NOT_READY",
        "HelmRelease tenant-root/ingress: InstallFailed",
        "describe helmrelease ingress",
        _of_modules(
            _operated(failing(ended(1)), "my-db-1", _reference(_CNPG, "my-db")),
            failing=("ingress",),
            objects={_CNPG: [_object("my-db")]},
        ),
        also=(CRASH,),
        waits="",
    ),
    Situation(
        "a pod of an operator's own kind that the cluster does not show",
        "cloudnative-pg: the Cluster was deleted, or may not be read",
        CRASH,
        "No space left on device; HelmRelease tenant-root/monitoring waits for it",
        "logs POD --previous",
        _of_modules(_DATABASE, failing=("monitoring",)),
        _DATABASE_LOG,
        waits="tenant-root/monitoring",
    ),
    Situation(
        "a pod of an operator's own kind that the cluster does not show, beside two modules",
        "cloudnative-pg: the Cluster was deleted, or may not be read",
        CRASH,
        "HelmRelease tenant-root/ingress or tenant-root/monitoring waits for it",
        "logs POD --previous",
        _of_modules(_DATABASE),
        _DATABASE_LOG,
        also=("RELEASE_NOT_READY", "RELEASE_NOT_READY"),
        waits="tenant-root/ingress, tenant-root/monitoring",
    ),
    Situation(
        "a pod of an operator beside a module and the release that its chart created",
        "cozystack packages/extra/monitoring: the HelmRelease monitoring-system",
        CRASH,
        "HelmRelease tenant-root/monitoring-system waits for it",
        "logs POD --previous",
        _of_modules(_DATABASE, failing=("monitoring",), others=(_inner(),)),
        _DATABASE_LOG,
        also=("RELEASE_NOT_READY",),
        waits="tenant-root/monitoring-system",
    ),
    Situation(
        "a hook of a module, which Flux does not label",
        "Helm pkg/action/hooks.go: post-renderers do not see hooks",
        "IMAGE_RATE_LIMITED",
        "toomanyrequests",
        "Try again later",
        _of_modules(
            _operated(failing(held("ErrImagePull", _DOCKER)), "hook-x2x4z", _reference(kinds.JOB, "hook")),
            failing=("monitoring",),
            jobs=[_object("hook", annotations={"helm.sh/hook": "pre-upgrade"})],
        ),
        waits="tenant-root/monitoring",
    ),
)


def _with_containers(*statuses: Object) -> Object:
    return pod("linstor-csi-controller", node="gateway", containers=list(statuses))


_CSI_POD = "linstor-csi-controller-5d7b8f-x2x4z"
_SIDECARS = ("csi-attacher", "csi-provisioner", "csi-resizer", "csi-snapshotter")
_LOST = 'E0101 connection.go:142] "Lost connection to CSI driver, exiting"\n'

# Pods of which more than one container fails.
CONTAINERS = (
    Situation(
        "a driver that crashes, and its sidecars because of that",
        "kubernetes-csi/csi-lib-utils connection/connection.go",
        CRASH,
        "(linstor-csi): Error, exit code 1, 5 times: cannot reach LINSTOR: no such host; HelmRelease",
        "logs POD --previous",
        cluster(_with_containers(*(ended(1) | {"name": name} for name in (*_SIDECARS, "linstor-csi")))),
        {_CSI_POD: _LOST, f"{_CSI_POD} linstor-csi": "cannot reach LINSTOR: no such host\n"},
        also=(CRASH,),
    ),
    Situation(
        "containers of which only one has a log",
        "kubelet: unable to retrieve container logs",
        CRASH,
        "(linstor-csi): Error, exit code 1, 5 times: cannot reach LINSTOR: no such host; HelmRelease",
        "logs POD --previous",
        cluster(_with_containers(*(ended(1) | {"name": name} for name in ("csi-attacher", "linstor-csi")))),
        {f"{_CSI_POD} linstor-csi": "cannot reach LINSTOR: no such host\n"},
        also=(CRASH,),
    ),
    Situation(
        "a pod of two containers that Talos' OOM handler killed",
        "siderolabs/talos internal/app/machined/pkg/controllers/runtime/oom.go: cgroup.kill of the whole pod",
        KILLED,
        f"{_CSI_POD} (csi-attacher, linstor-csi): killed on node gateway (exit code 137) without the reason OOMKilled, "
        "as if the node ran out of memory, 5 times; HelmRelease",
        _LARGER,
        cluster(_with_containers(*(ended(137) | {"name": name} for name in ("csi-attacher", "linstor-csi")))),
    ),
)

_CORDONED = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
_UNREACHABLE = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
_STOPPED = condition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
_APART = "didn't match pod anti-affinity rules"


def _with_away(said: str, *away: Object, **more: Any) -> Mapping[Kind, Any]:
    """Return a cluster of three nodes, some of which take no pods, with a pod that the scheduler has no node for."""
    others = [node(name) for name in ("gateway", "compute-2", "compute-3")][len(away) :]
    waiting = waiting_pod("linstor-controller", f"0/3 nodes are available: {said}. preemption: 0/3.", **more)
    return cluster(waiting, nodes=[*away, *others])


def _lost(name: str = "gateway") -> Object:
    return node(name, conditions=[_STOPPED], taints=[_UNREACHABLE])


def _cordoned(name: str = "gateway") -> Object:
    return node(name, taints=[_CORDONED])


# Nodes that take no pods at present: pods that wait would fit there.
AWAY = (
    *(
        Situation(
            f"a lost node, while {what}",
            source,
            "NODE_NOT_READY",
            "gateway is not ready: Kubelet stopped posting node status",
            "talos_info",
            _with_away(said, _lost()),
            also=(also,),
            waits="",
        )
        for what, source, said, also in (
            (
                "its pods must not share the others",
                "kube-scheduler; taint of the node lifecycle controller",
                f"1 node(s) had untolerated taint {{node.kubernetes.io/unreachable: }}, 2 node(s) {_APART}",
                "NOT_ENOUGH_NODES",
            ),
            (
                "the others have too little memory",
                "kube-scheduler; taint of the node lifecycle controller",
                "1 node(s) had untolerated taint {node.kubernetes.io/unreachable: }, 2 Insufficient memory",
                "INSUFFICIENT_MEMORY",
            ),
            (
                "its taint has no name",
                "kube-scheduler since 1.35: untolerated taint(s)",
                f"1 node(s) had untolerated taint(s), 2 node(s) {_APART}",
                "NOT_ENOUGH_NODES",
            ),
        )
    ),
    *(
        Situation(
            f"a cordoned node, while {what}",
            "kubectl cordon; kube-scheduler NodeUnschedulable",
            "NODE_CORDONED",
            "gateway is cordoned, so that it takes no new pods; 1 pod cannot use it: cozy-linstor/linstor-controller",
            "kubectl uncordon gateway",
            _with_away(said, _cordoned()),
            also=(also,),
        )
        for what, said, also in (
            (
                "its pods must not share the others",
                f"1 node(s) were unschedulable, 2 node(s) {_APART}",
                "NOT_ENOUGH_NODES",
            ),
            (
                "the others have too little memory",
                "1 node(s) were unschedulable, 2 Insufficient memory",
                "INSUFFICIENT_MEMORY",
            ),
            (
                "the others are for other pods",
                "1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector",
                "NO_SCHEDULABLE_NODE",
            ),
        )
    ),
    Situation(
        "all nodes cordoned",
        "kubectl drain of each node",
        "NODE_CORDONED",
        "gateway is cordoned",
        "kubectl uncordon gateway",
        _with_away("3 node(s) were unschedulable", *map(_cordoned, ("gateway", "compute-2", "compute-3"))),
        also=("NODE_CORDONED", "NODE_CORDONED", "NO_SCHEDULABLE_NODE"),
    ),
    Situation(
        "a node that only its spec calls unschedulable",
        "Kubernetes API: spec.unschedulable, before the node lifecycle controller adds the taint",
        "NODE_CORDONED",
        "gateway is cordoned",
        "kubectl uncordon gateway",
        _with_away(
            "1 node(s) were unschedulable, 2 Insufficient memory", node("gateway") | {"spec": {"unschedulable": True}}
        ),
        also=("INSUFFICIENT_MEMORY",),
    ),
    Situation(
        "a cordoned node that no pod misses, while another pod is too large",
        "kubectl cordon; kube-scheduler",
        "INSUFFICIENT_MEMORY",
        "1 pod waits for memory",
        _LARGER,
        _with_away("3 Insufficient memory", _cordoned()),
    ),
)


def _fails(name: str, message: str = "context deadline exceeded", **more: Any) -> Object:
    """Return a release that fails, in a namespace of its own."""
    where = more.pop("namespace", f"cozy-{name}")
    said = f"Helm install failed for release {where}/{name} with chart {name}@0.0.0: {message}"
    return release(name, where, ready=False, reason="InstallFailed", message=said, failures=2, **more)


def _behind(name: str, count: int) -> list[Object]:
    """Return releases that wait for another one."""
    waits = [(f"cozy-{name}", name)]
    return [release(f"{name}-{index}", "cozy-more", ready=False, depends_on=waits) for index in range(count)]


def _pod_of(name: str, status: Object | None = None, message: str = "") -> Object:
    """Return the pod of a release that fails: it crashes, unless it has another status or no node."""
    item = waiting_pod(name, message) if message else pod(name, node="gateway", containers=[status or ended(1)])
    return _named(item, f"{name}-0", ("StatefulSet", name), f"cozy-{name}")


def _made_release(name: str, message: str) -> Object:
    """Return a release that fails and that the chart of the root tenant's monitoring created."""
    item = _fails(name, message, namespace="tenant-root")
    item["metadata"]["labels"] |= {_RELEASE: "monitoring", "helm.toolkit.fluxcd.io/namespace": "tenant-root"}
    return item


_LOST_IMAGE = _pulled_in_vain("ghcr.io/x/leaf:1", "failed to do request: EOF")
_UNBOUND = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/3."
_BIND = {"kubeovn-0": "ovn: bind failed\n", "leaf-0": "no database\n", "linstor-0": "no database\n"}
_HELD = "kubeovn-0 (main): Error, exit code 1, 5 times: ovn: bind failed; HelmRelease cozy-kubeovn/kubeovn waits for it"
_NO_MEMORY = "0/3 nodes are available: 3 Insufficient memory."
_KUBEOVN = _pod_of("kubeovn")
_FIRST = "this collection: the first error is what a user reads first"

# What to read first: known causes before what only waits, and of those the cause for which most releases wait.
ORDER = (
    *(
        Situation(
            f"a crash for which twenty releases wait, and {what} for which one does",
            _FIRST,
            CRASH,
            f"{_HELD}, and 20 more for that",
            "logs POD --previous",
            installed(releases=[_fails("kubeovn"), _fails("leaf"), *_behind("kubeovn", 20)], pods=[other, _KUBEOVN]),
            _BIND,
            also=(code,),
            waits="cozy-kubeovn/kubeovn",
        )
        for what, code, other in (
            ("an image", "IMAGE_PULL_FAILED", _pod_of("leaf", _LOST_IMAGE)),
            ("a lack of memory", "INSUFFICIENT_MEMORY", _pod_of("leaf", message=_NO_MEMORY)),
            ("another crash", CRASH, _pod_of("leaf")),
        )
    ),
    Situation(
        "a crash behind a release that waits as well",
        _FIRST,
        CRASH,
        f"{_HELD}, and 2 more for that",
        "logs POD --previous",
        installed(
            releases=[
                *(_fails("base"), _fails("leaf"), *_behind("kubeovn", 2), *_behind("leaf", 1)),
                _fails("kubeovn", depends_on=[("cozy-base", "base")]),
            ],
            pods=[_pod_of("leaf"), _KUBEOVN],
        ),
        _BIND,
        also=(CRASH, "RELEASE_NOT_READY"),
        waits="cozy-kubeovn/kubeovn",
    ),
    Situation(
        "a volume that a release waits for, and a release of which nothing is known",
        "kube-scheduler: VolumeBinding",
        "VOLUME_PENDING",
        "HelmRelease cozy-kubeovn/kubeovn waits for it, and 9 more for that",
        "Create a StorageClass",
        installed(
            releases=[_fails("base"), _fails("kubeovn"), *_behind("kubeovn", 9)],
            pods=[_pod_of("kubeovn", message=_UNBOUND)],
        ),
        also=("RELEASE_NOT_READY",),
        waits="cozy-kubeovn/kubeovn",
    ),
    Situation(
        "a webhook that refuses a release, and a release of which nothing is known although others wait for it",
        "Kubernetes apiserver admission/plugin/webhook",
        "WEBHOOK_REFUSED",
        "HelmRelease cozy-leaf/leaf",
        "webhook's own pod",
        installed(
            releases=[
                *(_fails("base"), *_behind("base", 3)),
                _fails("leaf", 'Internal error occurred: failed calling webhook "x": connection refused'),
            ]
        ),
        also=("RELEASE_NOT_READY",),
        waits="",
    ),
    Situation(
        "a release whose time is up because of one that it created, which says why it fails",
        "cozystack packages/extra/monitoring: its chart creates a HelmRelease",
        "RELEASE_NOT_READY",
        "HelmRelease tenant-root/monitoring-system: InstallFailed: Helm install failed for release "
        "tenant-root/monitoring-system with chart monitoring-system@0.0.0: PersistentVolumeClaim",
        "describe helmrelease monitoring-system",
        _tenant(
            release("ingress", "tenant-root"),
            _fails(
                "monitoring",
                "timeout waiting for: [HelmRelease/tenant-root/monitoring-system status: 'InProgress']: context "
                "deadline exceeded",
                namespace="tenant-root",
            ),
            _made_release("monitoring-system", 'PersistentVolumeClaim "grafana" is invalid: spec: Forbidden'),
        ),
        also=("RELEASE_NOT_READY",),
        waits="",
    ),
    Situation(
        "a crash of a program whose database has no volume",
        "cozystack packages/system/keycloak: a Cluster of CloudNativePG beside the server",
        "VOLUME_PENDING",
        "1 pod waits for volumes: cozy-leaf/leaf-db-1",
        "Create a StorageClass",
        installed(
            releases=[_fails("leaf")],
            pods=[
                _pod_of("leaf"),
                _named(waiting_pod("leaf", _UNBOUND), "leaf-db-1", ("Cluster", "leaf-db"), "cozy-leaf"),
            ],
        ),
        _BIND,
        also=(CRASH,),
        waits="cozy-leaf/leaf",
    ),
    Situation(
        "a crash of the operator, which all releases need, and one of a release",
        _FIRST,
        CRASH,
        "no database; Deployment cozy-system/cozystack-operator waits for it",
        "logs POD --previous",
        {
            **installed(releases=[_fails("kubeovn"), *_behind("kubeovn", 3)]),
            kinds.DEPLOYMENT: operator()[kinds.DEPLOYMENT],
            kinds.POD: [_KUBEOVN, *operator(ended(1))[kinds.POD]],
        },
        {**_BIND, OPERATOR_POD: "no database\n"},
        also=(CRASH,),
        waits="cozy-system/cozystack-operator",
    ),
    Situation(
        "packages that fail, of which one holds back more",
        "cozystack internal/operator/package_reconciler.go",
        "PACKAGE_NOT_READY",
        "Package cozystack.b: ReconcileFailed: no variant",
        "",
        installed(
            packages=[
                package("cozystack.a", ready=False, reason="ReconcileFailed", message="no variant"),
                package("cozystack.b", ready=False, reason="ReconcileFailed", message="no variant"),
                package("cozystack.c", ready=False, waits_for=("cozystack.b",)),
            ]
        ),
        also=("PACKAGE_NOT_READY",),
        waits="",
    ),
    Situation(
        "a crash of LINSTOR, and volumes of other releases, which only LINSTOR can provide",
        "linstor-csi: the provisioner waits for the controller",
        CRASH,
        "linstor-0 (main): Error, exit code 1, 5 times: no database; HelmRelease cozy-linstor/linstor waits for it",
        "logs POD --previous",
        installed(
            releases=[stuck(), _fails("leaf"), *_behind("leaf", 3)],
            pods=[_pod_of("leaf", message=_UNBOUND), _pod_of("linstor")],
        ),
        _BIND,
        also=("VOLUME_PENDING",),
    ),
)


_EVICTED = _LOW.format("memory", "100Mi", "71Mi") + _USED
_SATELLITE = ("DaemonSet", "linstor-satellite")


def _evicted(number: int, *, reason: str = "Evicted", message: str = _EVICTED, hour: int = 2) -> Object:
    """Return a failed pod that its ReplicaSet keeps; its number is the minute of its end."""
    item = _named(_rejected(reason, message), f"linstor-controller-5d7b8f-old{number:02}", _REPLICA_SET)
    at = f"2026-01-02T{hour:02}:{number:02}:30Z"
    item["status"] |= {
        "startTime": at,
        "conditions": [condition("DisruptionTarget", "True", "TerminationByKubelet") | {"lastTransitionTime": at}],
    }
    return _created_at(f"2026-01-02T{hour:02}:{number:02}:00Z", item)


def _evicts(pod_name: str, minute: int, uid: str = "") -> Object:
    """Return the event of an evicted pod that its controller has deleted."""
    item = event("Evicted", _EVICTED, about=pod_name, count=1) | {"lastTimestamp": f"2026-01-02T02:{minute:02}:30Z"}
    return item | {"involvedObject": item["involvedObject"] | {"uid": uid or f"{pod_name}-{minute}"}}


def _satellite(name: str, *, ready: bool) -> Object:
    item = _named(_ready() if ready else unready(), f"linstor-satellite-{name}", _SATELLITE)
    return _created_at("2026-01-02T02:50:00Z", item)


_LOOP = tuple(_evicted(number) for number in range(10, 50, 8))
_TWO = tuple(_named(_ready(), f"linstor-controller-5d7b8f-new{number}", _REPLICA_SET) for number in range(2))

# Pods that their nodes evict or reject again and again, and that are always replaced.
LOOPS = (
    Situation(
        "a Deployment whose pods are evicted again and again, with a replacement that is ready for a moment",
        "Kubernetes pkg/kubelet/eviction; ReplicaSets keep failed pods",
        "POD_EVICTED",
        "-old42: Evicted, 5 times, last at 2026-01-02T02:42:30Z: The node was low on resource: memory",
        "larger instance type or more nodes for memory",
        cluster(*_LOOP, _ready()),
    ),
    Situation(
        "a Deployment whose pods are evicted again and again, with a replacement that is created",
        "Kubernetes pkg/kubelet/eviction; ReplicaSets keep failed pods",
        "POD_EVICTED",
        "Evicted, 5 times",
        "larger instance type or more nodes for memory",
        cluster(*_LOOP, _created_at("2026-01-02T03:00:00Z", creating())),
    ),
    Situation(
        "evictions again and again on a node under memory pressure",
        "Kubernetes pkg/kubelet/eviction, nodestatus",
        "POD_EVICTED",
        "Evicted, 5 times",
        "larger instance type or more nodes for memory",
        {**_under_pressure("Memory", "KubeletHasInsufficientMemory"), kinds.POD: [*_LOOP, _ready()]},
        also=("NODE_MEMORY_PRESSURE",),
    ),
    Situation(
        "one eviction of late whose replacement is not ready",
        "Kubernetes pkg/kubelet/eviction",
        "POD_EVICTED",
        "Evicted: The node was low on resource: memory",
        "larger instance type or more nodes for memory",
        cluster(_evicted(55), _created_at("2026-01-02T03:00:00Z", unready())),
    ),
    Situation(
        "one eviction of late whose replacement is ready",
        "Kubernetes pkg/kubelet/eviction",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease linstor",
        cluster(_evicted(55), _ready()),
        waits="",
    ),
    Situation(
        "replicas that one node evicted at once and whose replacements are ready",
        "Kubernetes pkg/kubelet/eviction",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease linstor",
        cluster(_evicted(50), _evicted(51), *_TWO),
        waits="",
    ),
    Situation(
        "evictions again and again hours ago",
        "Kubernetes pkg/kubelet/eviction; ReplicaSets keep failed pods",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease linstor",
        cluster(*(_evicted(number, hour=0) for number in range(10, 50, 8)), _ready()),
        waits="",
    ),
    Situation(
        "a DaemonSet whose pods are evicted again and again",
        "Kubernetes pkg/controller/daemon deletes failed pods: only events are left",
        "POD_EVICTED",
        "linstor-satellite-c: Evicted, 3 times, last at 2026-01-02T02:40:30Z: The node was low",
        "larger instance type or more nodes for memory",
        cluster(
            _satellite("d", ready=True),
            events=tuple(_evicts(f"linstor-satellite-{one}", at) for one, at in (("a", 20), ("b", 30), ("c", 40))),
        ),
    ),
    Situation(
        "a DaemonSet of which one pod was evicted of late and its replacement is not ready",
        "Kubernetes pkg/controller/daemon deletes failed pods: only events are left",
        "POD_EVICTED",
        "linstor-satellite-a: Evicted: The node was low",
        "larger instance type or more nodes for memory",
        cluster(
            _satellite("b", ready=True),
            _satellite("c", ready=False),
            events=(_evicts("linstor-satellite-a", 50),),
        ),
    ),
    Situation(
        "a DaemonSet of which one pod was evicted of late and replaced",
        "Kubernetes pkg/controller/daemon deletes failed pods: only events are left",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease linstor",
        cluster(
            _satellite("b", ready=True),
            _satellite("c", ready=True),
            events=(_evicts("linstor-satellite-a", 50),),
        ),
        waits="",
    ),
    Situation(
        "a StatefulSet whose pod is evicted again and again and keeps its name",
        "Kubernetes pkg/controller/statefulset deletes failed pods: only events are left",
        "POD_EVICTED",
        "linstor-db-0: Evicted, 2 times",
        "larger instance type or more nodes for memory",
        cluster(
            _named(_ready(), "linstor-db-0", ("StatefulSet", "linstor-db")),
            events=(_evicts("linstor-db-0", 30), _evicts("linstor-db-0", 40)),
        ),
    ),
    Situation(
        "an evicted pod that is listed and has its event",
        "Kubernetes pkg/kubelet/eviction: the event has the uid of the pod",
        "RELEASE_NOT_READY",
        "context deadline exceeded",
        "describe helmrelease linstor",
        cluster(
            _evicted(55) | {"metadata": _evicted(55)["metadata"] | {"uid": "9e0c"}},
            _ready(),
            events=(_evicts("linstor-controller-5d7b8f-old55", 55, "9e0c"),),
        ),
        waits="",
    ),
    Situation(
        "a Deployment whose pods a node rejects again and again",
        "Kubernetes pkg/kubelet/cm/devicemanager: ReplicaSets try again at once",
        "POD_REJECTED",
        "UnexpectedAdmissionError, 5 times",
        "free resources of the node",
        cluster(
            *(
                _evicted(number, reason="UnexpectedAdmissionError", message="Allocate failed: no healthy devices")
                for number in range(10, 50, 8)
            ),
            _created_at("2026-01-02T03:00:00Z", creating()),
        ),
    ),
)


def _restarted(code: int, reason: str = "Error", **more: Any) -> Object:
    """Return the pod of LINSTOR, with restarts, that is ready; more is ended, started, created, restarts."""
    started = more.get("started", "2026-01-02T03:05:40Z")
    last = _end(code, reason) | {"finishedAt": more.get("ended", "2026-01-02T03:03:00Z")}
    status = status_of(IMAGE, last=last, restarts=more.get("restarts", 12)) | {"ready": True, "started": True}
    item = failing(status | {"state": {"running": {"startedAt": started}}})
    return _created_at(more.get("created", "2026-01-02T02:00:00Z"), item)


_DAYS: Object = {"created": "2025-12-20T00:00:00Z"}
_OLD: Object = {**_DAYS, "ended": "2025-12-28T03:00:00Z", "started": "2025-12-28T03:00:30Z"}
_NIGHT: Object = {**_DAYS, "ended": "2026-01-01T18:00:00Z", "started": "2026-01-02T03:00:00Z"}
_REBOOT: Object = {**_DAYS, "ended": "2026-01-02T02:58:00Z", "started": "2026-01-02T03:01:00Z"}
_HALF_HOURLY: Object = {
    **{"created": "2026-01-01T21:00:00Z", "restarts": 12},
    **{"ended": "2026-01-02T02:45:00Z", "started": "2026-01-02T02:46:00Z"},
}
_AT_FIRST: Object = {
    **{"created": "2026-01-02T02:40:00Z", "restarts": 5},
    **{"ended": "2026-01-02T02:43:00Z", "started": "2026-01-02T02:44:20Z"},
}
_REBOOTED = node("gateway", conditions=[READY | {"lastTransitionTime": "2026-01-02T03:00:50Z"}])


def _nothing_but_the_deadline(name: str, source: str, item: Object, **more: Any) -> Situation:
    words, remedy = "context deadline exceeded", "describe helmrelease linstor"
    objects = cluster(item, **more.pop("objects", {}))
    return Situation(name, source, "RELEASE_NOT_READY", words, remedy, objects, waits="", **more)


# Containers that are ready, and ended before.
AGAIN = (
    Situation(
        "a container that is killed again and again and is ready for half a minute",
        "siderolabs/talos oom.go; Kubernetes API: lastState.terminated.finishedAt",
        KILLED,
        "ran out of memory, 12 times, last at 2026-01-02T03:03:00Z, and runs again; HelmRelease",
        _LARGER,
        cluster(_restarted(137)),
    ),
    Situation(
        "a container that is killed every half an hour and is ready for twenty minutes",
        "siderolabs/talos oom.go; Kubernetes API: lastState.terminated.finishedAt",
        KILLED,
        "12 times, last at 2026-01-02T02:45:00Z, and runs again",
        _LARGER,
        cluster(_restarted(137, **_HALF_HOURLY)),
    ),
    Situation(
        "a container that runs out of memory again and again and is ready for half a minute",
        "containerd: reason OOMKilled",
        KILLED,
        "(main): OOMKilled, 12 times, last at 2026-01-02T03:03:00Z, and runs again; HelmRelease",
        _LARGER,
        cluster(_restarted(137, "OOMKilled")),
    ),
    Situation(
        "a container that crashes again and again and is ready for half a minute",
        "Kubernetes API: lastState.terminated.finishedAt",
        CRASH,
        "Error, exit code 1, 12 times, last at 2026-01-02T03:03:00Z, and runs again: no quorum; HelmRelease",
        "logs POD --previous",
        cluster(_restarted(1)),
        {LOG_POD: "no quorum\n"},
    ),
    Situation(
        "a container that its liveness probe ends again and again and that is ready for half a minute",
        "Kubernetes pkg/kubelet/prober/prober.go",
        "PROBE_FAILED",
        "Liveness probe failed",
        "may only be slow",
        cluster(_restarted(137), events=(event("Unhealthy", _LIVENESS),)),
    ),
    Situation(
        "a container of a release that is ready, which is killed again and again",
        "siderolabs/talos oom.go",
        "RELEASE_NOT_READY",
        "HelmRelease cozy-other/other",
        "describe helmrelease other",
        installed(
            releases=[
                release("linstor", "cozy-linstor"),
                release("other", "cozy-other", ready=False, reason="InstallFailed", message=DEADLINE, failures=2),
            ],
            pods=[_restarted(137)],
        ),
        also=(KILLED,),
        waits="",
    ),
    _nothing_but_the_deadline(
        "a container that crashed at first and has been ready since",
        "kubelet: the back-off of a container that waited for another one",
        _restarted(1, **_AT_FIRST),
    ),
    _nothing_but_the_deadline(
        "a container that ran out of memory at first and has been ready since",
        "containerd: reason OOMKilled",
        _restarted(137, "OOMKilled", **_AT_FIRST),
        also=(KILLED,),
    ),
    _nothing_but_the_deadline(
        "a container that was killed at first and has been ready since",
        "siderolabs/talos oom.go",
        _restarted(137, **_AT_FIRST),
        also=(KILLED,),
    ),
    _nothing_but_the_deadline(
        "a container that ran out of memory days ago",
        "containerd: reason OOMKilled",
        _restarted(137, "OOMKilled", **_OLD),
    ),
    _nothing_but_the_deadline(
        "a container that was killed days ago",
        "Kubernetes API: lastState.terminated.finishedAt",
        _restarted(137, **_OLD),
    ),
    _nothing_but_the_deadline(
        "a container whose node was stopped each night",
        "containerd: exit code 137 of a stop without grace; finishedAt is of the evening",
        _restarted(137, **_NIGHT, restarts=9),
    ),
    _nothing_but_the_deadline(
        "a container whose node was restarted five minutes ago",
        "Kubernetes API: the condition Ready of the node is newer than the end",
        _restarted(143, **_REBOOT, restarts=9),
        objects={"nodes": [_REBOOTED]},
    ),
    _nothing_but_the_deadline(
        "a container that is started for the first time after the night",
        "kubelet: ContainerCreating beside lastState",
        failing(
            status_of(
                IMAGE, waiting={"reason": "ContainerCreating"}, last=_end(137) | {"finishedAt": "2026-01-01T18:00:00Z"}
            )
            | {"ready": False, "restartCount": 3}
        ),
    ),
    Situation(
        "a container that ended days ago and is not ready for an unknown reason",
        "Kubernetes API: state.running.startedAt",
        "RELEASE_NOT_READY",
        f"pods that are not ready: {LOG_POD}",
        "describe helmrelease linstor",
        cluster(_started(1, since="2025-12-28T03:00:30Z")),
        waits="",
    ),
)

SITUATIONS = (
    *(*AVAILABILITY, *ARCHITECTURE, *MEMORY, *SCHEDULING, *VOLUMES, *CREATION, *REFUSALS, *CRASHES, *BUSY, *SLOW),
    *(*IMAGES, *WAITED_FOR, *RETRIES, *SERVERS, *RELEASES, *SOURCES, *INGRESS, *NODES),
    *(*PAST, *WORDS, *BYSTANDERS, *OTHERS, *OPERATED, *CONTAINERS, *AWAY, *ORDER),
    *(*LOOPS, *AGAIN, *STALLED),
)
