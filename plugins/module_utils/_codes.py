# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every code that a finding can have, with what it means and what to do. Private: may change at any time.

docs/codes.md is made from this list by `python -m tools.codes`. A finding without a remedy of its own has that of its
code. Runs on the machine to be replaced and on bastions as well: Python 3.9, standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ._networks import JOIN, PODS, SERVICES_OF_COZYSTACK

# What was asked for cannot be done, or will not work.
ERROR = "error"
# Allowed, and worth knowing.
WARNING = "warning"
# How much a finding exposes a cluster.
CRITICAL, HIGH, MEDIUM, LOW = "critical", "high", "medium", "low"
SEVERITIES = (CRITICAL, HIGH, MEDIUM, LOW, ERROR, WARNING)


class Code(NamedTuple):
    """What a code means, what to do, and the severities that its findings can have, the usual one first."""

    meaning: str
    remedy: str
    severities: tuple[str, ...] = (ERROR,)


_KEYS = "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with `aws sso login`."
_FREE_QUOTA = (
    "Request a higher quota in Service Quotas, delete resources that are not needed, or describe a smaller cluster."
)
_SITE = "Run playbooks/site.yml, which restores the described configuration."
_HOME_ADDRESS = (
    "Set the global IPv6 network of your home. `curl -6 https://ifconfig.co` at home prints the address; its first "
    "four "
    "groups and ::/64 are the network."
)
_EXPIRES = "Write a duration such as 30m, 8h or 2d, or a time such as 2026-12-24T18:00:00Z."
_HOME_ACCESS = (
    "Run playbooks/remove_home_access.yml. Expired home access is also closed by site.yml, start.yml, access.yml, "
    "add_home_access.yml, audit.yml, etcd_snapshot.yml, reset.yml and upgrade.yml."
)
_LARGER = "Use a larger instance type or more nodes; playbooks/forecast.yml shows the smallest change that fits."
_CACHE = "Check that the cache on the bastion answers (curl http://BASTION:PORT/v2/) and reaches its registry."
_NO_MEMORY = "Use a larger instance type, or a disk image (https://…/metal-arm64.raw.xz), which needs little memory."
_KERNEL = "Boot a standard kernel, such as that of Amazon Linux 2023. Containers and hardened kernels may not allow it."
_LOOK = "Read the preceding lines of the log or the console."
_NEW_KEY = (
    "Create an auth key in Tailscale's admin console (Settings, Keys), and set it as cluster_tailscale_auth_key in a "
    "vaulted file or as the environment variable TS_AUTHKEY."
)

VARIABLES: Mapping[str, Code] = {
    "VARIABLE_UNKNOWN": Code(
        "A variable has the prefix of a role or is one letter away from an input, but no role reads it.",
        "Correct its name, remove it, or list it in cluster_other_variables if a role outside of this collection reads "
        "it.",
    ),
    "VARIABLE_KEY_UNKNOWN": Code(
        "A mapping has a key that is not known.",
        "Use one of the keys that the message names.",
    ),
    "VARIABLE_INCOMPLETE": Code(
        "A mapping lacks a key that is required.",
        "Add the key that the message names.",
    ),
    "VARIABLE_TYPE_WRONG": Code(
        "The value of a variable has the wrong type.",
        "Set a value of the type that the message names.",
    ),
    "VARIABLE_VALUE_WRONG": Code(
        "The value of a variable has the right type, but is not valid.",
        "Set a value as the message describes.",
    ),
    "DISK_IMAGE_UNVERIFIED": Code(
        "A disk image has no checksum, so nothing verifies what its URL returns.",
        "Set nodes_image_sha256 to the SHA-256 that its publisher names.",
    ),
    "VARIABLE_SET_BY_PLAYBOOK": Code(
        "A variable that is passed with -e has another value than the one that the playbook needs.",
        "Remove it, or pass the playbook's value after it.",
    ),
    "VARIABLE_EMPTY": Code(
        "A variable that decides what the playbook acts on is passed with -e and has no value.",
        "Give it a value, or leave it out if you mean its default.",
    ),
    "VARIABLE_IGNORED": Code(
        "A variable is passed on the command line, but the playbook does not read it and would act on more without it.",
        "Use the input that the message names.",
    ),
    "VARIABLE_NOT_READABLE": Code(
        "A template in the value of a variable cannot be evaluated.",
        "Correct the template; `ansible localhost -m debug -a var=NAME -e @FILE` evaluates it.",
    ),
    "TAG_SELECTS_NOTHING": Code(
        "No task of the playbook has a tag of the run, so the run would do nothing, or what was to be left out.",
        "Use the tags that the message names.",
    ),
    "RECORD_INVALID": Code(
        "A file in a directory of the cluster has the name of a record, and is damaged or of another program.",
        "A run would overwrite it. If the cluster has that record elsewhere, such as in a backup, restore it. "
        "Otherwise move the file to another place, or set the variable to another directory.",
    ),
    "DIRECTORY_OF_OTHER_CLUSTER": Code(
        "cluster_directory or cluster_secrets_directory belongs to another cluster, or to one of this name in another "
        "account.",
        "Set the variable to a directory of this cluster's own, or use the credentials of that account. If the other "
        "cluster no longer exists, delete cluster.json in the directory.",
    ),
    "DIRECTORY_NOT_WRITABLE": Code(
        "A directory of the cluster cannot be created or is not writable.",
        "Choose a directory below your home directory, or make it writable for the user who runs the playbook.",
    ),
}

# Kinds of errors that end a module, whose message has the details.
ERRORS: Mapping[str, Code] = {
    "INPUT_INVALID": Code(
        "An option, or a value in it, is not valid.",
        "Correct the value that the message names.",
    ),
    "INPUT_MISSING": Code(
        "An option that the request needs is not set.",
        "Set the option that the message names.",
    ),
    "FILE_NOT_READABLE": Code(
        "A file does not exist or cannot be read.",
        "Check the path and the permissions.",
    ),
    "FILE_NOT_WRITABLE": Code(
        "A file or a directory cannot be written.",
        "Check the directory, its permissions, and the free space.",
    ),
    "FILE_NOT_USABLE": Code(
        "The system returned an error for a file.",
        "Check the path, the permissions, and the free space.",
    ),
    "FILE_INVALID": Code(
        "The content of a file does not have the expected format.",
        "Correct the file, create it again, or use another one.",
    ),
    "FILE_NOT_DECRYPTED": Code(
        "An encrypted file cannot be decrypted.",
        "Check its password or key, and whether the program that encrypted it is installed.",
    ),
    "CONTEXT_TAKEN": Code(
        "A kubeconfig or talosconfig has a context of this name, which belongs to another cluster.",
        "Choose another name or another file, or delete the context if that cluster does not exist any more.",
    ),
    "PATCH_INVALID": Code(
        "A patch cannot be applied to a machine configuration.",
        "Correct the patch at the place that the message names.",
    ),
    "DOWNLOAD_FAILED": Code(
        "A file cannot be downloaded.",
        "Check the address, and whether the machine that downloads it reaches that server.",
    ),
    "CHECKSUM_WRONG": Code(
        "The checksum of a file is unknown, or is not the expected one.",
        "Correct the expected checksum, or the file at its source.",
    ),
    "HOST_FILE_FOREIGN": Code(
        "A machine has a file of another program where the bastion needs one of its own, such as docker's daemon.json.",
        "Move it to another place if nothing needs it. On a host with other containers, set "
        "bastion_host_docker_options to {}.",
    ),
    "COMMAND_FAILED": Code(
        "A program on the machine failed or is not installed.",
        "Read its output in the message, and its log.",
    ),
    "LIBRARY_MISSING": Code(
        "A Python library that the module needs is not installed.",
        "Install it for the Python interpreter that the message names.",
    ),
    "UPGRADE_NOT_POSSIBLE": Code(
        "Talos cannot be upgraded from the version on a node to the requested one.",
        "Upgrade to the versions between them first, or correct the image.",
    ),
    "NODE_CALL_FAILED": Code(
        "A call to a Talos node failed; evidence has the node, the call and the cause.",
        "Act on the cause that the message names; docs/codes.md lists the causes.",
    ),
    "NODE_NOT_AS_EXPECTED": Code(
        "A Talos node does not reach the expected state.",
        "Check the node with urmanac.talos.talos_info. EC2 shows its console only if the image has console=ttyS0.",
    ),
    "KUBERNETES_CALL_FAILED": Code(
        "A request to the Kubernetes API failed; evidence has the server and the cause.",
        "Act on the cause that the message names; docs/codes.md lists the causes.",
    ),
    "AWS_NOT_SETTLED": Code(
        "AWS accepted a change, and does not show its result after several minutes.",
        "Run the playbook again.",
    ),
    "CLAIM_INVALID": Code(
        "The claim of a cluster was changed by another program.",
        "Ask the owner of the cluster to restore its previous value.",
    ),
    "OPERATION_FAILED": Code(
        "The operation failed for a reason without a code of its own.",
        "Read the message.",
    ),
}

DESCRIPTION: Mapping[str, Code] = {
    "INVALID_CLUSTER_NAME": Code(
        "The cluster's name is not valid in the names of security groups, IAM roles and hosts.",
        "Use 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end, and without the prefix sg-.",
    ),
    "INVALID_PROJECT_NAME": Code(
        "The project's name is not valid in the names of IAM roles and SSM parameters.",
        "Use 1 to 64 ASCII letters, digits and . _ - in cluster_project.",
    ),
    "IAM_NAME_TOO_LONG": Code(
        "A name that consists of project and cluster is longer than IAM allows.",
        "Shorten cluster_name or cluster_project.",
    ),
    "POLICY_TOO_LONG": Code(
        "The policy of an IAM role is longer than IAM allows; the bastion's lists the SSM parameters with its secrets.",
        "Use fewer or shorter names in cluster_registry_login_parameters; registries may have the same one.",
    ),
    "TEXT_NOT_ALLOWED": Code(
        "A name, description or tag that several variables form has a length or characters that AWS rejects.",
        "Shorten cluster_name or cluster_project, or use other characters in them.",
    ),
    "COMMAND_LINE_TOO_LONG": Code(
        "The kernel arguments for Talos are longer than the kernel's command line can be.",
        "Remove arguments from cluster_nodes_extra_kernel_args.",
    ),
    "INVALID_REGION": Code(
        "The region's name is misspelled, or the region is in China or AWS GovCloud (US), where ARNs differ.",
        "Use a name such as eu-west-1; `aws ec2 describe-regions --query 'Regions[].RegionName'` lists yours.",
    ),
    "INVALID_DOMAIN": Code(
        "The cluster's domain is not a DNS domain.",
        "Use labels of lower-case letters, digits and hyphens with dots between, such as talos.local.",
    ),
    "ZONE_NOT_IN_REGION": Code(
        "The availability zone belongs to another region.",
        "Use a zone of the region, such as eu-west-1a in eu-west-1.",
    ),
    "ZONE_NOT_AVAILABLE": Code(
        "The availability zone does not exist for this account or is not available.",
        "Use another zone of the region.",
    ),
    "INVALID_CIDR": Code(
        "A value is not an IPv4 network.",
        "Write it as address/prefix, such as 10.10.0.0/16.",
    ),
    "CIDR_HOST_BITS": Code(
        "A network has host bits set, so AWS would silently use another network.",
        "Write the network without host bits.",
    ),
    "CIDR_PREFIX_NOT_ALLOWED": Code(
        "A network is larger or smaller than AWS allows for a VPC or a subnet.",
        "Choose a prefix from /16 to /28.",
    ),
    "VPC_OVERLAPS_CLUSTER": Code(
        "The VPC's network overlaps a network that Kubernetes uses, so nodes could not reach each other.",
        f"Choose a network outside of {PODS}, {SERVICES_OF_COZYSTACK} and {JOIN}, such as 10.10.0.0/16.",
    ),
    "CIDR_NOT_USABLE": Code(
        "The VPC's network is in a range that is reserved for link-local, multicast or special use.",
        "Use a private range, such as 10.10.0.0/16.",
    ),
    "SUBNET_OUTSIDE_VPC": Code(
        "The subnet is not in the VPC.",
        "Choose a subnet of the VPC, or a VPC that contains the subnet.",
    ),
    "INVALID_ADDRESS": Code(
        "A value is not an IPv4 address.",
        "Write an address such as 10.10.0.101.",
    ),
    "ADDRESS_OUTSIDE_SUBNET": Code(
        "The address of a node or the bastion is not in the subnet.",
        "Choose an address of the subnet, or another cluster_subnet_ipv4_cidr.",
    ),
    "ADDRESS_RESERVED": Code(
        "The address is one of the five that AWS reserves in each subnet.",
        "Choose an address other than the first four and the last one of the subnet.",
    ),
    "DUPLICATE_ADDRESS": Code(
        "Several instances have the same address.",
        "Give each instance its own address.",
    ),
    "DUPLICATE_NODE_NAME": Code(
        "Several nodes have the same name.",
        "Give each node its own name.",
    ),
    "TOO_MANY_NODES": Code(
        "The description has more nodes than cluster_nodes_max allows.",
        "Describe fewer nodes, or raise cluster_nodes_max, which allows a higher bill.",
    ),
    "INVALID_NODE_NAME": Code(
        "A node's name is not a valid host name.",
        "Use 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end.",
    ),
    "NODE_NAME_RESERVED": Code(
        "A node has the name of another resource of the cluster.",
        "Choose another name for the node.",
    ),
    "UNKNOWN_NODE_ROLE": Code(
        "A node has a role that does not exist.",
        "Set role to gateway or compute.",
    ),
    "UNKNOWN_MACHINE_TYPE": Code(
        "A node has a machine type that does not exist.",
        "Set machine_type to controlplane or worker.",
    ),
    "NO_CONTROL_PLANE": Code(
        "No node is a control plane.",
        "Give one or three nodes machine_type: controlplane.",
    ),
    "EVEN_CONTROL_PLANES": Code(
        "An even number of control planes tolerates no more failures than one control plane fewer.",
        "Use one control plane more or fewer.",
    ),
    "VOLUME_TOO_SMALL": Code(
        "A root volume is too small for the system and the images.",
        "Set volume_size, or cluster_bastion_volume_size, to at least the size that the message names.",
    ),
    "VOLUME_TOO_LARGE": Code(
        "EC2 does not support volumes of this size.",
        "Set volume_size, or cluster_bastion_volume_size, to 65536 GiB (64 TiB) or less.",
    ),
    "UNKNOWN_CPU_CREDITS": Code(
        "The CPU credit mode does not exist.",
        "Set cluster_cpu_credits to unlimited or standard.",
    ),
    "TOO_MANY_TAGS": Code(
        "The tags, together with those of the collection, exceed the number that AWS allows on a resource.",
        "Remove tags from cluster_tags.",
    ),
    "INVALID_TAG_KEY": Code("AWS rejects the key of a tag.", "Choose another key."),
    "INVALID_TAG_VALUE": Code("AWS rejects the value of a tag.", "Choose another value."),
    "TAG_KEY_RESERVED": Code(
        "The collection sets this tag itself, or two keys of tags differ only in case, which IAM refuses.",
        "Choose another key.",
    ),
    "NOT_CHECKED": Code(
        "AWS denied a request about quotas, the account's plan or prices, so these were not compared.",
        "Allow the call that the message names, or continue without the comparison.",
        (WARNING,),
    ),
}

SESSIONS: Mapping[str, Code] = {
    "SESSION_NOT_READABLE": Code(
        "A file of the journal of sessions is broken, was edited, or cannot be opened. It was not changed, and is not "
        "counted.",
        "Restore the file from a copy, correct what the message names, or move it out of the folder.",
    ),
    "SESSION_OF_OTHER_VERSION": Code(
        "A file of the journal of sessions was written by another version of the collection. It was not changed, and "
        "is not counted.",
        "Use the version that wrote it, or move the file out of the folder.",
    ),
}

BASTION: Mapping[str, Code] = {
    "UNKNOWN_EGRESS": Code(
        "The egress mode of the bastion does not exist.",
        "Set cluster_bastion_egress to one of the values that the message names.",
    ),
    "WIREGUARD_PARAMETER_MISSING": Code(
        "The WireGuard key must be in an SSM parameter, but no parameter is set.",
        "Store it in one (`aws ssm put-parameter --type SecureString`) and set the parameter's name, such as "
        "/talos/wireguard.",
    ),
    "SOURCES_UNREACHABLE": Code(
        "A bastion without IPv4 cannot download images or files from hosts without IPv6.",
        "Set cluster_bastion_egress to public_ipv4 or wireguard, or download them from your own servers.",
    ),
    "INVALID_KEY_PAIR_NAME": Code(
        "A value, such as a public key, is not a valid name of an EC2 key pair.",
        "Use the name of a key pair in the region (`aws ec2 describe-key-pairs`), not a public key.",
    ),
    "KEY_PAIR_NOT_FOUND": Code(
        "The region has no key pair with this name.",
        "Use an existing key pair, or create one with `aws ec2 import-key-pair`.",
    ),
    "INVALID_SSH_PUBLIC_KEY": Code(
        "A value is neither an SSH public key nor the path of a public key file.",
        "Set the path or the content of a file such as ~/.ssh/id_ed25519.pub; `ssh-keygen -t ed25519` creates one.",
    ),
    "NODE_SSH_KEY_MISSING": Code(
        "playbooks/boot.yml logs in to the nodes, but no SSH key is set for them.",
        "Set cluster_bastion_ssh_public_key to a public key or its file, or cluster_nodes_ssh_key_name to an EC2 key "
        "pair.",
    ),
    "SSH_KEY_MISSING": Code(
        "The build logs in to the bastion, but no SSH key is set for it.",
        "Set it to a public key or its file (`ssh-keygen -t ed25519` creates ~/.ssh/id_ed25519.pub, the default), or "
        "set cluster_bastion_ssh_key_name to an EC2 key pair.",
    ),
    "NO_BASTION_HOST": Code(
        "The bastion through which the nodes are configured is neither described nor in the inventory.",
        "Set cluster_bastion_enabled to true, add your own host bastion to the inventory (-i), or set cluster_api_via "
        "to localhost if the controller reaches the nodes.",
    ),
    "NO_ACCESS_TO_BASTION": Code(
        "The build logs in to the bastion, but its security group allows no network.",
        "Set access_ipv6 to the IPv6 network of the controller, such as 2001:db8:1:2::/64. If the controller has no "
        "IPv6, set cluster_bastion_connection to ssm, or add your own host bastion to the inventory.",
    ),
    "CONTROLLER_WITHOUT_IPV6": Code(
        "The build logs in to the bastion over IPv6, and the controller has no global IPv6 address or no route.",
        "Set cluster_bastion_connection to ssm, which needs the AWS CLI and its session-manager-plugin, or run the "
        "playbook where IPv6 works.",
        (WARNING, ERROR),
    ),
    "CONTROLLER_OUTSIDE_ACCESS": Code(
        "The build logs in to the bastion over IPv6, and the controller's address is in no network that is open or "
        "will be opened.",
        "Pass the network of the controller, such as -e access_ipv6=2001:db8:1:2::/64; playbooks/audit.yml lists what "
        "is open.",
        (WARNING,),
    ),
    "CONNECTION_DIFFERS": Code(
        "The connection to the bastion differs between the inventory and the variables.",
        "Set cluster_bastion_connection and the option bastion_connection of ec2_nodes to the same value, ssh or ssm.",
    ),
    "CONNECTION_PROGRAM_MISSING": Code(
        "The build logs in to the bastion, but a program for this is not installed on the controller.",
        "Install OpenSSH. For Session Manager, also install the AWS CLI and its session-manager-plugin, or set "
        "cluster_bastion_connection to ssh.",
    ),
    "UNKNOWN_CONNECTION": Code(
        "The connection type of the bastion does not exist.",
        "Set cluster_bastion_connection to ssh or ssm.",
    ),
    "INVALID_PARAMETER_NAME": Code(
        "A value is not a valid name of an SSM parameter.",
        "Use letters, digits and . - _ separated by slashes, such as /urmanac.talos/talos-arm64/moon/bastion-host-key.",
    ),
    "INVALID_IMAGE": Code(
        "A value does not name an image for the bastion.",
        "Use ami-… or resolve:ssm:/path/of/a/parameter.",
    ),
    "INVALID_TIME": Code(
        "A value is not a time of day.",
        'Write hours and minutes, such as "18:00".',
    ),
    "INVALID_SCHEDULE": Code(
        "Only one of the start and stop times is set, or both are the same.",
        "Set both to different times, or leave both empty for machines that no schedule starts or stops.",
    ),
    "INVALID_TIME_ZONE": Code(
        "AWS does not support the time zone.",
        "Use a name of the IANA database, such as Etc/UTC or Europe/Dublin.",
    ),
    "INVALID_KEEP_MINUTES": Code(
        "The value for keeping the bastion running is out of range.",
        "Use fewer minutes, or leave cluster_bastion_start and _stop empty for a bastion that always runs.",
    ),
    "INVALID_TTL_HOURS": Code(
        "The time after which the cluster is stopped is out of range.",
        "Use another number of hours, or 0 for a cluster that is not stopped.",
    ),
    "BASTION_MISSING": Code(
        "The bastion through which the nodes are reached does not exist, or only in part.",
        "Run playbooks/site.yml.",
    ),
    "BASTION_STOPPED": Code(
        "The bastion is stopped: its Auto Scaling group runs no instance.",
        "Run playbooks/start.yml, which starts one.",
    ),
    "BASTION_UNREACHABLE": Code(
        "The bastion does not answer, most likely because its security group does not allow the controller's network.",
        "Allow your network with -e access_ipv6=NETWORK, such as 2001:db8:1:2::/64; playbooks/audit.yml lists what is "
        "open. Without IPv6 at home set cluster_bastion_connection to ssm. If the controller can reach the nodes "
        "itself, set cluster_api_via to localhost.",
    ),
    "CONNECTION_REJECTED": Code(
        "A router or firewall between the controller and the bastion rejects the connection.",
        "Allow outgoing IPv6 to port 22 there, or set cluster_bastion_connection to ssm to log in through Session "
        "Manager.",
    ),
    "HOST_KEY_CHANGED": Code(
        "The SSH host key of the bastion differs from the one in known_hosts.",
        "Find the reason before you connect: someone may be intercepting the connection. Terminate an instance that "
        "reports on its console that it does not use the cluster's host key.",
    ),
    "HOST_KEY_UNKNOWN": Code(
        "The file known_hosts has no SSH host key of the bastion.",
        "Run playbooks/site.yml, which writes it, or log in once by hand to a host of your own and compare the key.",
    ),
    "HOST_NAME_NOT_RESOLVED": Code(
        "The SSH client cannot resolve the name or the address of the bastion.",
        "Correct ansible_host of a host of your own, and the settings for the host in ~/.ssh/config.",
    ),
    "NO_COMMON_ALGORITHM": Code(
        "The SSH client and the SSH server of the bastion have no algorithm in common.",
        "The bastion has an Ed25519 host key: remove HostKeyAlgorithms, KexAlgorithms, Ciphers and MACs from "
        "~/.ssh/config, or update OpenSSH on the controller.",
    ),
    "PRIVATE_KEY_MISSING": Code(
        "The key file for the login is a public key, and no SSH agent has its private key.",
        "Load the private key into an agent (ssh-add FILE; ssh-add -l lists the keys), or set it with --private-key "
        "FILE.",
    ),
    "PRIVATE_KEY_NOT_PROTECTED": Code(
        "Other users may read the private key, so ssh does not use it.",
        "Make it readable by you alone: chmod 600 FILE.",
    ),
    "PRIVATE_KEY_NOT_USABLE": Code(
        "The SSH client cannot read the private key: its permissions do not allow it, its format is unknown, it is "
        "damaged, or its passphrase is wrong.",
        "Check its owner (ls -l), test it with ssh-keygen -y -f FILE, or set another key with --private-key FILE.",
    ),
    "SSH_AGENT_REFUSED": Code(
        "The SSH agent has the key for the login and does not sign with it.",
        "Confirm, unlock the agent (ssh-add -X), load the key again (ssh-add FILE), or do not use the agent: "
        "SSH_AUTH_SOCK= and --private-key FILE.",
    ),
    "SSH_CONFIG_INVALID": Code(
        "The SSH client rejects the user's own configuration file.",
        "Correct the file that ssh names: it must belong to you, be writable only by you (chmod 600 ~/.ssh/config), "
        "and contain only options of this version of ssh.",
    ),
    "SSH_CONNECTION_CLOSED": Code(
        "The SSH server or a firewall closes the connection before the login.",
        "Run the playbook again, from another network if this does not help, or read the console of the bastion.",
    ),
    "SSH_KEY_REFUSED": Code(
        "The bastion accepts none of the keys that ssh offered.",
        "Set the private key of cluster_bastion_ssh_public_key with --private-key FILE.",
    ),
    "SSH_LOGIN_FAILED": Code(
        "The login to the bastion fails for a reason without a code of its own.",
        "Log in by hand with ssh -vvv, which prints every step.",
    ),
    "SSH_PATH_INVALID": Code(
        "The path of the private key has a percent sign, with which a token of the SSH client begins.",
        "Rename the private key, or name it with cluster_bastion_ssh_identity_file.",
    ),
    "SSH_SERVER_NOT_READY": Code(
        "The bastion runs, but its SSH server does not accept logins yet.",
        "Run the playbook again, or read the console of the bastion.",
    ),
    "SSH_USER_WRONG": Code(
        "The bastion accepts the key for another user only.",
        "Set cluster_bastion_user, or ansible_user of the host, to ec2-user.",
    ),
    "SSM_SESSION_ENDED": Code(
        "Session Manager ends the connection to the bastion before SSH begins.",
        "Start a session by hand (`aws ssm start-session`), which prints the cause.",
    ),
    "SSM_TARGET_NOT_CONNECTED": Code(
        "Session Manager does not know the instance: its agent has not registered.",
        "Wait a minute, and run the playbook again. Over IPv6 alone the agent must be version 3.3.3270.0 or newer.",
    ),
    "TOO_MANY_SSH_KEYS": Code(
        "The SSH client offered more keys than the six that the bastion's SSH server accepts, before the right one.",
        "Set the private key with --private-key FILE, or remove the other keys from the agent (ssh-add -D, then "
        "ssh-add FILE).",
    ),
}

ACCOUNT: Mapping[str, Code] = {
    "INSTANCE_TYPE_NOT_IN_REGION": Code(
        "The region does not have the instance type.",
        "Use t4g.medium, or another region.",
    ),
    "TYPE_NOT_IN_ZONE": Code(
        "The region has the instance type, but the availability zone does not offer it.",
        "Choose another cluster_availability_zone or type.",
    ),
    "ARCHITECTURE_NOT_ARM64": Code(
        "The instance type is of another architecture than the images.",
        "Use a Graviton type, such as t4g.medium.",
    ),
    "INSTANCE_TYPE_TOO_SMALL": Code(
        "The instance type has too little memory for Talos.",
        "Use t4g.small for tests, t4g.medium for other use.",
    ),
    "INSTANCE_TYPE_TIGHT": Code(
        "The instance type has enough memory to boot Talos, but too little to run CozyStack.",
        "Use t4g.medium or larger unless this is a test.",
        (WARNING,),
    ),
    "BASTION_IMAGE_NOT_FOUND": Code(
        "The image from which the bastion starts, or the parameter that names it, does not exist in the region.",
        "Set an arm64 image of the region, or omit cluster_bastion_image to use Amazon Linux 2023.",
    ),
    "EXAMPLE_HOST": Code(
        "An image or a URL is still that of an example, on a host that does not exist. In check mode this is a note.",
        "Set the location to which you pushed it.",
        (ERROR, WARNING),
    ),
    "AMI_NOT_FOUND": Code(
        "The region has no Amazon Linux 2023 AMI for arm64, from which nodes are launched.",
        "Choose a region that has Graviton instances.",
    ),
    "VCPU_QUOTA_TOO_SMALL": Code("The account's quota of running vCPUs is too small.", _FREE_QUOTA),
    "ADDRESS_QUOTA_TOO_SMALL": Code("The account's quota of Elastic IPs is too small.", _FREE_QUOTA),
    "VPC_QUOTA_TOO_SMALL": Code("The account's quota of VPCs in the region is too small.", _FREE_QUOTA),
    "RULE_QUOTA_TOO_SMALL": Code("The account's quota of rules per security group is too small.", _FREE_QUOTA),
    "INTERFACE_QUOTA_TOO_SMALL": Code("The account's quota of network interfaces is too small.", _FREE_QUOTA),
    "SERVICE_ROLE_MISSING": Code(
        "The account has no service-linked role of Auto Scaling yet, as every new account.",
        "Allow iam:CreateServiceLinkedRole for autoscaling.amazonaws.com, as examples/operator_policy.json does, or "
        "have an administrator run once: "
        "aws iam create-service-linked-role --aws-service-name autoscaling.amazonaws.com.",
        (WARNING,),
    ),
    "SUBNET_FULL": Code(
        "The existing subnet does not have enough free addresses.",
        "Delete unused network interfaces, or choose a larger cluster_subnet_ipv4_cidr.",
    ),
    "FREE_PLAN_TYPE": Code(
        "An account on the AWS Free plan cannot launch the instance type.",
        "Upgrade the account to the Paid plan, or use a type that the plan allows.",
    ),
    "COST_ABOVE_LIMIT": Code(
        "The cost forecast exceeds a limit. With cluster_cost_policy: enforce the build fails; with warn this is a "
        "note.",
        "Describe fewer or smaller instances, shorten their hours, or raise the limit. playbooks/cost.yml compares the "
        "choices.",
    ),
    "COST_UNKNOWN": Code(
        "A cost limit is set, but the price of a part of the cluster is not known.",
        "Use a region and instance types whose prices are shipped with the collection, or remove the limits. "
        "playbooks/cost.yml with -e cluster_cost_price_list=true queries the prices from AWS.",
    ),
    "COST_CREDITS_ABOVE_LIMIT": Code(
        "The cost forecast is within a limit, but would exceed it if every instance used all of its vCPUs.",
        "Raise the limit, or set cluster_cpu_credits to standard, which limits performance.",
        (WARNING,),
    ),
    "NAME_TAKEN": Code(
        "A resource without the tags of this cluster has the name or address of a resource that would be created.",
        "Choose another cluster_name or cluster_project, or delete it if unused.",
    ),
    "CLAIMED_BY_OTHER_CONTROLLER": Code(
        "Another controller owns the cluster.",
        "Use the controller that has the secrets, or choose another cluster_name.",
    ),
    "CLUSTER_UNCLAIMED": Code(
        "The cluster exists without a claim, so its owner is not known.",
        "If it is yours, add -e cluster_claim_existing= and the ID of its VPC.",
    ),
    "RUN_ACTIVE": Code(
        "Another run is active on the cluster.",
        "Wait until it has ended, or add -e cluster_run_takeover=true if it was killed.",
    ),
    "STATE_BUCKET_MISSING": Code(
        "The bucket of cluster_state does not exist.",
        "Create it as examples/shared_state.yml describes, or correct cluster_state.",
    ),
    "STATE_BUCKET_DENIED": Code(
        "S3 denies access to the bucket of cluster_state.",
        "Use a bucket of this account, and give the identity the statements State and StateFiles of "
        "examples/operator_policy.json for it. Another account may own a bucket of that name. If the files of "
        "cluster_directory are complete, -e cluster_state=local works without the bucket.",
    ),
    "STATE_BUCKET_PUBLIC": Code(
        "The bucket of cluster_state can be made public, and would hold the secrets of the cluster.",
        "Turn on all four settings of Block Public Access for the bucket: `aws s3api put-public-access-block`.",
    ),
    "STATE_BUCKET_UNVERSIONED": Code(
        "The bucket of cluster_state has no versioning, which alone brings a damaged or deleted file back.",
        "Turn it on: `aws s3api put-bucket-versioning --bucket NAME --versioning-configuration Status=Enabled`.",
    ),
    "STATE_CHANGED": Code(
        "Another controller wrote a file of the cluster's state at the same time.",
        "Nothing was overwritten, and the file of this controller is kept. Wait until that run has ended, then run the "
        "playbook again.",
    ),
    "STATE_CONFLICT": Code(
        "A file of the cluster's state was changed both on this controller and in the bucket of cluster_state.",
        "Nothing was overwritten. Compare both versions. To use that of the bucket, move the file of this controller "
        "to another place; to use that of this controller, upload it with `aws s3 cp`. Never replace the "
        "secrets of a cluster that exists; secrets.pending.yaml of this controller was never used and may be moved.",
    ),
    "STATE_FILE_FOREIGN": Code(
        "A file in the folder of the cluster in the bucket of cluster_state was not written by this collection.",
        "If it belongs to the cluster, copy it to cluster_directory of this controller, and run the playbook again. "
        "Otherwise move it to another folder, or set cluster_state to another one.",
    ),
    "ADDRESS_OR_NAME_IN_USE": Code(
        "Another resource of this cluster has the address, network or name of one that must be created.",
        "Delete the other resource, or choose another address, network or name.",
    ),
    "MANAGED_BY_MISSING": Code(
        "A resource has the tags Project and Cluster of this cluster, but not ManagedBy=urmanac.talos.",
        "Give it that tag if it belongs to the cluster, or change its tag Cluster.",
        (ERROR, HIGH),
    ),
    "DUPLICATE_RESOURCE": Code(
        "Two resources of a kind of which a cluster has one have its tags and different names.",
        "Delete the one that the cluster does not use, or remove its tag Cluster.",
    ),
    "DUPLICATE_SECURITY_GROUP": Code(
        "Two security groups of the same name, in different VPCs, have the tags of this cluster.",
        "Run `aws ec2 delete-tags --tags Key=ManagedBy --resources` with the id of the one that urmanac.talos has not "
        "made.",
    ),
    "HOME_ACCESS_IN_OTHER_GROUP": Code(
        "A security group that does not count as the cluster's contains rules with the tags of home access: the group "
        "or its VPC lacks a tag of the cluster, or the group has another name.",
        "Give both the tags Project, Cluster and ManagedBy if they belong to the cluster, or delete the rules with "
        "`aws ec2 revoke-security-group-ingress`.",
    ),
    "HOST_KEY_NOT_ENCRYPTED": Code(
        "SSM does not encrypt the private SSH host key of the bastion.",
        "Stop the bastion, delete the parameter, and run playbooks/bastion.yml, which makes a new key.",
    ),
    "USED_BY_FOREIGN_RESOURCE": Code(
        "A resource without the tags of this cluster uses a resource of the cluster.",
        "Ask its owner to release the resource.",
    ),
    "FOREIGN_RESOURCE_IN_NETWORK": Code(
        "A resource that no playbook creates or deletes is in the network that is to be removed.",
        "Ask its owner to delete it, then run the playbook again.",
    ),
    "NETWORK_IN_USE": Code(
        "Nodes or the bastion still exist in the network that is to be removed.",
        "Remove the nodes and the bastion first; playbooks/reset.yml removes everything.",
    ),
    "NETWORK_MISSING": Code(
        "The network that nodes or the bastion need does not exist, or only in part.",
        "Run the role urmanac.talos.network first (playbooks/network.yml), or playbooks/site.yml, which runs all "
        "roles.",
    ),
    "CHANGE_NEEDS_DECISION": Code(
        "A property cannot be changed while the resource is in use, so a change would terminate it or needs a command.",
        "To keep the resource, change the description. To change it, run the command that the message names.",
    ),
    "USER_DATA_TOO_LONG": Code("User-data is longer than EC2 accepts.", "Shorten its content."),
}

AWS: Mapping[str, Code] = {
    "CREDENTIALS_MISSING": Code("No AWS credentials were found.", _KEYS),
    "CREDENTIALS_EXPIRED": Code(
        "The credentials have expired.",
        "Log in again (`aws sso login`) or renew the session token.",
    ),
    "CREDENTIALS_INVALID": Code(
        "AWS does not accept the credentials.",
        "Check the access key, the secret key and the controller's clock. Check also that the region is enabled for "
        "the account (`aws ec2 describe-regions --region us-east-1` lists the enabled ones): other regions reject "
        "valid keys.",
    ),
    "NOT_AUTHORIZED": Code(
        "The identity in use is not authorized to make the call.",
        "Allow {permission} to the identity in use (`aws sts get-caller-identity` shows it).",
    ),
    "ENDPOINT_UNREACHABLE": Code(
        "AWS, or the lab, does not respond.",
        "Check the network, the region and AWS_ENDPOINT_URL; for the lab, run `python -m lab up`.",
    ),
    "ENDPOINT_NOT_TRUSTED": Code(
        "The certificate of AWS, or of a proxy in between, is not trusted.",
        "Check the clock (`date -u`) and the file of AWS_CA_BUNDLE, or of ca_bundle in the profile. Behind a proxy "
        "that replaces certificates, set AWS_CA_BUNDLE to a file with the proxy's authority.",
    ),
    "REQUEST_EXPIRED": Code(
        "AWS treats the request as expired: the controller's clock is wrong, or the session has expired.",
        "Check the clock (`date -u`), and synchronize it (`timedatectl set-ntp true`). If it is correct, log in again "
        "(`aws sso login`).",
    ),
    "LIMIT_EXCEEDED": Code(
        "A quota of the account is exhausted.",
        "Request a higher quota in Service Quotas, or delete resources that count towards it.",
    ),
    "NO_CAPACITY": Code(
        "AWS currently has no capacity for this instance type in the availability zone.",
        "Choose another cluster_availability_zone (on an empty account) or another cluster_instance_type, or try again "
        "in an hour.",
    ),
    "VOLUME_KEY_DENIED": Code(
        "EC2 ended the instance at its launch, because it could not use the KMS key that encrypts its volume.",
        "The region encrypts new volumes with a key of yours (console: EC2, Data protection and security, EBS "
        "encryption). Choose aws/ebs there, or let the key's policy allow the role AWSServiceRoleForAutoScaling to use "
        "the key and to call kms:CreateGrant.",
    ),
    "BASTION_LAUNCH_FAILED": Code(
        "The Auto Scaling group of the bastion cannot launch an instance.",
        "Correct what the message of AWS names, and run the playbook again: the group continues to try.",
    ),
    "BASTION_NOT_RUNNING": Code(
        "The Auto Scaling group of the bastion has no running instance after the time that a run waits for it.",
        "`aws autoscaling describe-scaling-activities` shows its attempts with their causes.",
    ),
    "ACCOUNT_NOT_READY": Code(
        "The account cannot use the service or the region yet, or AWS has blocked the account.",
        "Read the account's e-mail and the AWS console, where AWS asks to verify the account, to enable the region or "
        "to pay. AWS verifies a new account within a day.",
    ),
    "ADDRESS_IN_USE": Code(
        "Another resource in the subnet has the address.",
        "Find it with `aws ec2 describe-network-interfaces --filters Name=private-ip-address,Values=ADDRESS`, and "
        "delete it or choose another address for the node.",
    ),
    "STILL_IN_USE": Code(
        "Another resource still uses the resource that is to be deleted.",
        "The message names it, or `aws ec2 describe-network-interfaces` with the filter subnet-id, group-id or vpc-id "
        "finds it: load balancers, endpoints and functions have interfaces there. Ask its owner to remove it.",
    ),
    "CHANGE_IN_PROGRESS": Code(
        "AWS or another call is changing the resource, so it cannot be changed or deleted at the same time.",
        "Wait a few minutes until the change is complete. For an Auto Scaling group, `aws autoscaling "
        "describe-scaling-activities` shows the activity.",
    ),
    "OPERATION_NOT_PERMITTED": Code(
        "AWS does not allow this resource to be changed or deleted: it is protected, or belongs to another resource.",
        "If it belongs to a load balancer, an endpoint or a VPC, delete that resource: AWS deletes its parts as well.",
    ),
    "ADDRESS_LOCKED": Code(
        "The Elastic IP is locked, in most cases by a reverse DNS record.",
        "Remove that record (`aws ec2 reset-address-attribute --attribute domain-name --allocation-id ID`); if there "
        "is no such record, contact AWS Support.",
    ),
    "AWS_UNAVAILABLE": Code(
        "The call failed because of an error at AWS.",
        "Wait a few minutes and run the playbook again; https://health.aws.amazon.com shows outages of the region.",
    ),
    "SETTINGS_INVALID": Code(
        "The AWS settings of the controller are not valid. No request was sent.",
        "Correct ~/.aws/config, ~/.aws/credentials and the environment (AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL); "
        "`aws configure list` shows the effective settings.",
    ),
    "REQUEST_LIMIT_EXCEEDED": Code(
        "AWS is rate-limiting the account.",
        "Wait a minute and run the playbook again; other programs may be calling AWS with the same account.",
    ),
    "ANSWER_INVALID": Code(
        "The response does not come from AWS.",
        "Check AWS_ENDPOINT_URL and proxies: the server does not implement the AWS API.",
    ),
    "BOTOCORE_TOO_OLD": Code(
        "The installed botocore does not support the call.",
        "Install a newer boto3 and botocore; this version does not support {permission}.",
    ),
    "AWS_ERROR": Code(
        "AWS rejected the call for another reason, which the message names.",
        "Look up the error code in the AWS API reference of {permission}.",
    ),
    "CONNECTION_INVALID": Code(
        "An AWS client cannot be created with these settings.",
        "Set a region, and set AWS_ENDPOINT_URL to http://host:port or unset it.",
    ),
    "REAL_CREDENTIALS_ON_LAB_ENDPOINT": Code(
        "The endpoint is a lab, but the credentials are not those of a lab. No request was sent.",
        "Run it with `python -m lab run --`, which sets the access key id lab-not-a-real-key, or unset "
        "AWS_ENDPOINT_URL to reach AWS.",
    ),
    "LAB_CREDENTIALS_ON_REAL_ENDPOINT": Code(
        "The credentials are those of a lab, but the endpoint is not a lab. No request was sent.",
        "Set AWS_ENDPOINT_URL to the lab (`python -m lab run --` does), or use your own credentials.",
    ),
    "LOOPBACK_VPC_ON_REAL_ENDPOINT": Code(
        "The VPC is in 127.0.0.0/8, which only a lab can use. No request was sent.",
        "Set cluster_vpc_ipv4_cidr to a network such as 10.10.0.0/16, or run the playbook with `python -m lab run --`.",
    ),
}

HOME: Mapping[str, Code] = {
    "IPV6_EMPTY": Code("No network was given.", _HOME_ADDRESS),
    "IPV6_SEVERAL": Code(
        "The value contains more than one network.",
        "Set one network, and run the playbook again for the next one.",
    ),
    "IPV6_ZONE": Code("The address has a zone index after %, which is only valid on one machine.", _HOME_ADDRESS),
    "IPV4_NOT_ALLOWED": Code(
        "The address is IPv4, but nodes have no IPv4 address that is reachable from home.", _HOME_ADDRESS
    ),
    "IPV6_INVALID": Code(
        "The value is neither an IPv6 address nor an IPv6 network.",
        "Write an address such as 2001:db8:1:2::5 or a network such as 2001:db8:1:2::/64.",
    ),
    "IPV6_ENTIRE_INTERNET": Code("The network is the entire internet.", _HOME_ADDRESS),
    "IPV6_UNSPECIFIED": Code("The address is the unspecified address.", _HOME_ADDRESS),
    "IPV6_LOOPBACK": Code("The address is the loopback address.", _HOME_ADDRESS),
    "IPV6_MAPS_IPV4": Code("The address is an IPv4-mapped or IPv4-translated IPv6 address.", _HOME_ADDRESS),
    "IPV6_LINK_LOCAL": Code(
        "The address is link-local, so it is not routed beyond its network segment.", _HOME_ADDRESS
    ),
    "IPV6_SITE_LOCAL": Code(
        "The address is site-local, which is obsolete and not routed beyond a site.", _HOME_ADDRESS
    ),
    "IPV6_UNIQUE_LOCAL": Code("The address is unique-local, so it is not routed on the internet.", _HOME_ADDRESS),
    "IPV6_MULTICAST": Code("The address is multicast, which is never a source address.", _HOME_ADDRESS),
    "IPV6_RESERVED": Code("The address is reserved for a protocol, so it cannot be a home address.", _HOME_ADDRESS),
    "IPV6_DOCUMENTATION": Code(
        "The network is reserved for documentation: an example was not replaced. In check mode this is a note.",
        _HOME_ADDRESS,
    ),
    "HOME_RULE_TAKEN": Code(
        "A rule of another owner already allows what home access would open, and AWS rejects a second one.",
        "Ask its owner to delete it, or remove the port from cluster_access_openings.",
    ),
    "HOME_GROUP_MISSING": Code(
        "A security group that home access would open does not exist.",
        "Build the network first (playbooks/site.yml), or check name, project and region, and that the group and its "
        "VPC have the tag ManagedBy.",
    ),
    "HOME_SCHEDULE_TAKEN": Code(
        "A schedule of another owner has the name of one that closes home access.",
        "Delete it if it is not needed, or set cluster_home_schedule_enabled to false.",
    ),
    "IPV6_TOO_WIDE": Code("The network is larger than a home network.", _HOME_ADDRESS),
    "IPV6_NOT_GLOBAL": Code("The address is not a global unicast address.", _HOME_ADDRESS),
    "IPV6_HOST_BITS": Code(
        "The network has host bits set.",
        "Write the network without host bits, or the single address without a prefix.",
    ),
    "EXPIRES_INVALID": Code("The end of home access is neither a duration nor a time.", _EXPIRES),
    "EXPIRES_WITHOUT_ZONE": Code(
        "The end of home access has no time zone.",
        f"Append Z (UTC) or an offset such as +01:00. {_EXPIRES}",
    ),
    "EXPIRES_PAST": Code("The end of home access is in the past.", _EXPIRES),
    "EXPIRES_TOO_LATE": Code(
        "The end of home access is later than the longest duration that is allowed.",
        "Choose an earlier end, and open home access again later.",
    ),
    "EXPIRES_TOO_SOON": Code("The end of home access is too soon.", "Choose a later end."),
}

AUDIT: Mapping[str, Code] = {
    "RULE_OPEN_TO_INTERNET": Code(
        "A rule that is not described allows the entire internet.",
        "Run `aws ec2 revoke-security-group-ingress` for it.",
        (CRITICAL,),
    ),
    "RULE_NOT_ALLOWED": Code(
        "A rule of a security group is not described. The severity is medium for outbound traffic.",
        "Run `aws ec2 revoke-security-group-ingress` or `-egress` for it, or describe it in the variables.",
        (HIGH, MEDIUM),
    ),
    "HOME_ACCESS_EXPIRED": Code("Home access has expired and is still open.", _HOME_ACCESS, (HIGH,)),
    "HOME_ACCESS_TOO_LONG": Code(
        "Home access ends later than the longest duration that is allowed.", _HOME_ACCESS, (HIGH,)
    ),
    "HOME_ACCESS_NOT_EXACT": Code(
        "A rule has the tags of home access, but is not a rule that home access creates. The severity is critical if "
        "it is open to everyone.",
        _HOME_ACCESS,
        (HIGH, CRITICAL),
    ),
    "GROUP_NOT_DESCRIBED": Code(
        "The cluster's VPC has a security group that is not described.",
        "Run `aws ec2 delete-security-group` if it is not needed.",
        (LOW,),
    ),
    "NAME_TAG_CHANGED": Code(
        "The tag Name of a security group or an Auto Scaling group of the cluster is not its name.",
        "Run playbooks/site.yml, which sets the described tag.",
        (LOW,),
    ),
    "DUPLICATE_VPC": Code(
        "Several VPCs have the tags of the cluster.",
        "Find out which one the nodes are in, and delete the other one or remove the tags of the cluster from it.",
        (MEDIUM,),
    ),
    "VPC_NETWORK_NOT_DESCRIBED": Code(
        "The VPC has a network that is not described.",
        "Run `aws ec2 disassociate-vpc-cidr-block` for it, after you delete the resources that use it.",
        (MEDIUM,),
    ),
    "DHCP_NOT_DESCRIBED": Code(
        "The VPC has undescribed DHCP options: instances use other DNS or NTP servers, or another search domain. The "
        "severity is high for DNS servers, because they decide where connections go.",
        "Run playbooks/site.yml, which associates the described DHCP options; instances use them within hours, or at "
        "their next start.",
        (HIGH, MEDIUM),
    ),
    "NETWORK_ACL_NOT_DEFAULT": Code(
        "A subnet of the cluster uses another network ACL than the VPC's default one.",
        "Run `aws ec2 replace-network-acl-association` with the default one.",
        (LOW,),
    ),
    "NETWORK_ACL_CHANGED": Code(
        "A network ACL has an entry that is not described.",
        "Run `aws ec2 delete-network-acl-entry` for it.",
        (LOW,),
    ),
    "ROUTE_NOT_ALLOWED": Code(
        "A route is not described.",
        "Run `aws ec2 delete-route` for it, or allow it with cluster_audit_allowed.",
        (MEDIUM,),
    ),
    "ROUTE_TABLE_NOT_DESCRIBED": Code(
        "A subnet of the cluster, or its gateway, uses a route table that is not described.",
        "Run playbooks/site.yml, which associates the described route table with the subnet. For a gateway run `aws "
        "ec2 disassociate-route-table`.",
        (MEDIUM,),
    ),
    "SUBNET_NOT_DESCRIBED": Code(
        "The cluster's VPC has a subnet that is not described.",
        "Run `aws ec2 delete-subnet` if it is not needed.",
        (MEDIUM,),
    ),
    "SUBNET_GIVES_PUBLIC_IPV4": Code(
        "Every new instance in the subnet gets a public IPv4 address.",
        "Run `aws ec2 modify-subnet-attribute` with `--no-map-public-ip-on-launch`.",
        (HIGH,),
    ),
    "SUBNET_GIVES_IPV6": Code(
        "Every new instance in the subnet gets an IPv6 address, which is globally routable.",
        "Run `aws ec2 modify-subnet-attribute` with `--no-assign-ipv6-address-on-creation`.",
        (LOW,),
    ),
    "PUBLIC_IPV4": Code(
        "A network interface has a public IPv4 address that is not described.",
        "Run `aws ec2 disassociate-address`, or replace the instance if the address was assigned at launch.",
        (CRITICAL,),
    ),
    "INTERFACE_NOT_DESCRIBED": Code(
        "The cluster's VPC has a network interface that is not described.",
        "Run `aws ec2 delete-network-interface` if it is not needed.",
        (MEDIUM,),
    ),
    "INTERFACE_IN_FOREIGN_GROUP": Code(
        "A network interface is in a security group that is not described for it.",
        "Run `aws ec2 modify-network-interface-attribute` with the described groups.",
        (HIGH,),
    ),
    "INTERFACE_HAS_MORE_ADDRESSES": Code(
        "A network interface has addresses that are not described.",
        "Run `aws ec2 unassign-private-ip-addresses` or `unassign-ipv6-addresses` unless you know why they are there.",
        (MEDIUM,),
    ),
    "INTERFACE_ACROSS_VPCS": Code(
        "An instance has network interfaces in the cluster's VPC and in another VPC, so it connects both.",
        "Run `aws ec2 detach-network-interface` for the one that is not described.",
        (HIGH, CRITICAL),
    ),
    "INTERFACE_ON_OTHER_MACHINE": Code(
        "The network interface of a machine is attached to another machine, which so has its addresses and access. The "
        "severity is critical for a machine of another account.",
        "Run `aws ec2 detach-network-interface` for it, then playbooks/site.yml.",
        (HIGH, CRITICAL),
    ),
    "SOURCE_DEST_CHECK_OFF": Code(
        "A node can send and receive packets for other addresses: its source/destination check is off.",
        _SITE,
        (MEDIUM,),
    ),
    "VPC_ENDPOINT_NOT_DESCRIBED": Code(
        "A VPC endpoint that is not described connects the VPC with a service.",
        "Run `aws ec2 delete-vpc-endpoints` if it is not needed, and delete its routes.",
        (MEDIUM,),
    ),
    "VPC_PEERING_NOT_DESCRIBED": Code(
        "A VPC peering connection that is not described connects the VPC with another VPC.",
        "Run `aws ec2 delete-vpc-peering-connection` if it is not needed, and delete its routes.",
        (HIGH,),
    ),
    "VPN_GATEWAY_NOT_DESCRIBED": Code(
        "A VPN gateway that is not described connects the VPC with another network.",
        "Run `aws ec2 detach-vpn-gateway` if it is not needed, and delete its routes.",
        (HIGH,),
    ),
    "EGRESS_GATEWAY_NOT_DESCRIBED": Code(
        "An egress-only internet gateway that is not described lets machines of the VPC reach the Internet over IPv6.",
        "Run `aws ec2 delete-egress-only-internet-gateway` if it is not needed, and delete its routes.",
        (LOW,),
    ),
    "ADDRESS_UNUSED": Code(
        "An Elastic IP of the cluster is not associated with an instance.",
        "Run `aws ec2 release-address`; an unassociated address is charged by the hour.",
        (LOW,),
    ),
    "ADDRESS_USED_OUTSIDE_CLUSTER": Code(
        "An Elastic IP of the cluster belongs to a network interface outside of its VPC, so who allows this address "
        "allows that machine.",
        "Run `aws ec2 disassociate-address` for it, then playbooks/site.yml, which associates it with the bastion.",
        (HIGH,),
    ),
    "INSTANCE_NOT_DESCRIBED": Code(
        "The cluster's VPC has an instance that is not described, two instances with the same name, or a bastion that "
        "its Auto Scaling group did not launch.",
        "Run `aws ec2 terminate-instances` if it is not needed.",
        (MEDIUM,),
    ),
    "INSTANCE_PROFILE_NOT_DESCRIBED": Code(
        "An instance or a launch template has another instance profile than described.",
        "Run `aws ec2 replace-iam-instance-profile-association` with the described profile.",
        (HIGH,),
    ),
    "TEMPLATE_GIVES_PUBLIC_IPV4": Code(
        "Instances of a launch template get a public IPv4 address.",
        "Run playbooks/site.yml to create a version as described, or delete this version.",
        (HIGH,),
    ),
    "TEMPLATE_DISK_NOT_ENCRYPTED": Code(
        "Instances of a launch template get unencrypted disks.",
        "Run playbooks/site.yml to create a version as described, or delete this version.",
        (HIGH,),
    ),
    "TEMPLATE_NOT_AS_DESCRIBED": Code(
        "Instances are or will be launched from a version of the bastion's launch template whose image, type, key "
        "pair, network interface, disks or user-data is not as described.",
        "Run playbooks/site.yml, which creates a version as described, and terminate the running instance.",
        (HIGH,),
    ),
    "PROFILE_USED_OUTSIDE_CLUSTER": Code(
        "An instance outside of the cluster's VPC has an instance profile of the cluster.",
        "Run `aws ec2 disassociate-iam-instance-profile` for it, or terminate the instance if it is not needed.",
        (HIGH,),
    ),
    "INSTANCE_NOT_AS_DESCRIBED": Code(
        "A node is an instance of another type than described, or lacks the image, the key pair or the user-data that "
        "nodes are launched with.",
        "Describe what the message names, if you set it; replace the node if you did not launch this instance.",
        (HIGH,),
    ),
    "IMDS_NOT_DESCRIBED": Code(
        "The metadata service responds over IPv6 or returns tags, which is not described.",
        "Run `aws ec2 modify-instance-metadata-options` with `--http-protocol-ipv6 disabled` and "
        "`--instance-metadata-tags disabled`.",
        (LOW,),
    ),
    "IMDS_V1": Code(
        "IMDSv1 is enabled, so a server-side request forgery can read the role's credentials.",
        "Run `aws ec2 modify-instance-metadata-options` with `--http-tokens required`.",
        (HIGH,),
    ),
    "IMDS_HOP_LIMIT": Code(
        "The metadata service responds over several hops, so pods can read the node's credentials.",
        "Run `aws ec2 modify-instance-metadata-options` with `--http-put-response-hop-limit 1`.",
        (MEDIUM,),
    ),
    "USER_DATA_SECRET": Code(
        "The user-data of an instance or of a launch template version contains a secret.",
        "Treat the secret as compromised: rotate it, then replace the instance with one whose user-data does not "
        "contain it.",
        (CRITICAL,),
    ),
    "TEXT_SECRET": Code(
        "A tag or a description of a resource, or the content of an SSM document, contains a secret.",
        "Treat the secret as compromised: rotate it, then remove the tag (`aws ec2 delete-tags`) or recreate the "
        "resource without it.",
        (CRITICAL,),
    ),
    "SCALING_TEMPLATE_NOT_DESCRIBED": Code(
        "The bastion's Auto Scaling group uses a launch template that is not described.",
        "Run playbooks/site.yml, which sets the described launch template.",
        (HIGH,),
    ),
    "SCALING_VERSION_MISSING": Code(
        "The bastion's Auto Scaling group uses a launch template version that does not exist.",
        "Run playbooks/site.yml, which sets the described version.",
        (MEDIUM,),
    ),
    "SCALING_GROUP_NOT_DESCRIBED": Code(
        "An Auto Scaling group has the cluster's tags and is not described.",
        "Run `aws autoscaling delete-auto-scaling-group` if it is not needed, or remove the tags of the cluster.",
        (MEDIUM,),
    ),
    "SCALING_NOT_AS_DESCRIBED": Code(
        "The bastion's Auto Scaling group has a setting that is not described, and that keeps instances running, "
        "launches others, or gives them to a load balancer. The severity is high for a load balancer.",
        "Remove the setting with `aws autoscaling` unless you know why it is there.",
        (MEDIUM, HIGH),
    ),
    "SCALING_SIZE_NOT_DESCRIBED": Code(
        "The bastion's Auto Scaling group can have more instances than described, or never stops its instance.",
        "Run playbooks/site.yml, which sets the described limits.",
        (MEDIUM,),
    ),
    "SCALING_SCHEDULE_NOT_DESCRIBED": Code(
        "The bastion's Auto Scaling group has a scheduled action that is not described or has other times, or lacks a "
        "described one.",
        "Run playbooks/site.yml; `aws autoscaling delete-scheduled-action` deletes one that is not described.",
        (MEDIUM,),
    ),
    "SCALING_SUSPENDED": Code(
        "Processes of the bastion's Auto Scaling group are suspended, so it may not terminate or replace the bastion.",
        "Run `aws autoscaling resume-processes` for it.",
        (LOW,),
    ),
    "VOLUME_NOT_DESCRIBED": Code(
        "An instance of the cluster has another volume without the cluster's tags, or with the content of a snapshot.",
        "Run `aws ec2 detach-volume` for it unless you know why it is there.",
        (MEDIUM,),
    ),
    "VOLUME_NOT_ENCRYPTED": Code(
        "A volume of the cluster is not encrypted.",
        "A volume cannot be encrypted in place: remove the node and run playbooks/site.yml to recreate it.",
        (HIGH,),
    ),
    "VOLUME_USED_OUTSIDE_CLUSTER": Code(
        "A volume of the cluster is attached to an instance outside of the cluster, which can read and change it.",
        "Run `aws ec2 detach-volume` for that instance, and rotate every secret that was on the disk.",
        (CRITICAL,),
    ),
    "VOLUME_KEY_OF_OTHER_ACCOUNT": Code(
        "The encryption key of a volume belongs to another account, which can end the access to it.",
        "Remove the node and run playbooks/site.yml to recreate it, unless you chose that key.",
        (HIGH,),
    ),
    "SNAPSHOT_PUBLIC": Code(
        "Every AWS account can read a snapshot of the cluster's disks.",
        "Run `aws ec2 reset-snapshot-attribute`, and rotate every secret that was on the disk.",
        (CRITICAL,),
    ),
    "SNAPSHOT_SHARED": Code(
        "Other accounts can read a snapshot of the cluster's disks.",
        "Run `aws ec2 reset-snapshot-attribute`.",
        (HIGH,),
    ),
    "SNAPSHOT_NOT_ENCRYPTED": Code(
        "A snapshot or an image contains a disk of the cluster without encryption.",
        "Run `aws ec2 delete-snapshot`, or keep an encrypted copy instead.",
        (MEDIUM,),
    ),
    "IMAGE_PUBLIC": Code(
        "Every AWS account can read an image (AMI) of the cluster's disks.",
        "Run `aws ec2 reset-image-attribute`, and rotate every secret that was on the disk.",
        (CRITICAL,),
    ),
    "IMAGE_SHARED": Code(
        "Other accounts can read an image (AMI) of the cluster's disks.",
        "Run `aws ec2 reset-image-attribute`.",
        (HIGH,),
    ),
    "DOCUMENT_PUBLIC": Code(
        "Every AWS account can read and run an SSM document of the cluster.",
        "Run `aws ssm modify-document-permission` for it.",
        (HIGH,),
    ),
    "DOCUMENT_SHARED": Code(
        "Other accounts can read and run an SSM document of the cluster.",
        "Run `aws ssm modify-document-permission` for it.",
        (MEDIUM,),
    ),
    "PARAMETER_NOT_ENCRYPTED": Code(
        "An SSM parameter with a private key or a login of the bastion is not a SecureString.",
        "Treat the secret as compromised: delete the parameter, then run playbooks/site.yml, which creates a host key. "
        "Create a new WireGuard key, or a new password of the registry, yourself.",
        (CRITICAL,),
    ),
    "PARAMETER_NOT_DESCRIBED": Code(
        "An SSM parameter in plain text has a name of the cluster and is not described.",
        "Run `aws ssm delete-parameter` if it is not needed, or make it a SecureString.",
        (MEDIUM,),
    ),
    "PROFILE_ROLE_NOT_DESCRIBED": Code(
        "An instance profile contains another role than described. The severity is critical if that role has managed "
        "policies or allows every action of a service.",
        "Run `aws iam remove-role-from-instance-profile`, then playbooks/site.yml, which adds the described role.",
        (HIGH, CRITICAL),
    ),
    "ROLE_IN_OTHER_PROFILE": Code(
        "A role of the cluster is also in another instance profile, so instances outside of the cluster can have it.",
        "Run `aws iam remove-role-from-instance-profile` for it.",
        (HIGH,),
    ),
    "IAM_POLICY_ATTACHED": Code(
        "A managed policy that is not described is attached to a role. The severity is critical for "
        "AdministratorAccess.",
        "Run `aws iam detach-role-policy` for it.",
        (HIGH, CRITICAL),
    ),
    "HOURS_NOT_AS_DESCRIBED": Code(
        "A schedule that stops or starts the cluster is missing, disabled or changed, or ends later than described, "
        "or its role does not exist, or it does not find a node.",
        _SITE,
        (MEDIUM,),
    ),
    "HOURS_NOT_DESCRIBED": Code(
        "The cluster's schedule group contains a schedule that is not described.",
        "Find out who made it, and run `aws scheduler delete-schedule` if it is not needed.",
        (MEDIUM,),
    ),
    "IAM_ROLE_TAG_MISSING": Code(
        "A role that the cluster's schedules name lacks a tag of the cluster, so no playbook changes or deletes it.",
        "Check its policies. Give it the tags if it belongs to the cluster, or delete it.",
        (HIGH,),
    ),
    "IAM_TRUST_NOT_ALLOWED": Code(
        "The role's trust policy is not as described: other principals, or other conditions.",
        "Run playbooks/site.yml, which sets the described policies.",
        (HIGH,),
    ),
    "IAM_WILDCARD": Code(
        "A policy statement of a role allows every action of a service, or all but a few actions.",
        "Run playbooks/site.yml, which sets the described policies, or `aws iam delete-role-policy`.",
        (CRITICAL,),
    ),
    "IAM_STATEMENT_MISSING": Code(
        "A role of schedules, which stop the cluster or close home access, lacks a described policy statement, or a "
        "policy denies it an action.",
        "Run playbooks/site.yml, which sets the described policies, or `aws iam delete-role-policy` if one denies.",
        (HIGH,),
    ),
    "IAM_STATEMENT_NOT_ALLOWED": Code(
        "A policy statement of a role is not described.",
        "Run playbooks/site.yml, which sets the described policies, or `aws iam delete-role-policy`.",
        (HIGH,),
    ),
}

IMAGES: Mapping[str, Code] = {
    "IMAGE_NOT_NAMED": Code(
        "A node has a role for which cluster_images has no image.",
        "Set it in cluster_images.",
    ),
    "IMAGE_INVALID_REFERENCE": Code(
        "A value is not a valid image reference.",
        "Write REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:DIGEST.",
    ),
    "IMAGE_NOT_FOUND": Code(
        "The registry does not have the image.",
        "Check the name, and that the image was pushed and not deleted.",
    ),
    "IMAGE_NOT_AUTHORISED": Code(
        "The registry denies access to the image: it is private or does not exist.",
        "Check the name. If it is correct, log in with `docker login`, or make the image public.",
    ),
    "IMAGE_NO_SUCH_PLATFORM": Code(
        "The image does not support the platform.",
        "Build and push the image for the platform.",
    ),
    "IMAGE_BAD_DIGEST": Code(
        "The content that the registry returned does not have the requested digest.",
        "The registry or a proxy returned corrupt data: do not use it.",
    ),
    "IMAGE_UNREACHABLE": Code(
        "The image's registry does not respond, or returns errors.",
        "Check that the machine named in the message can reach it: DNS, routing, and the proxy if there is one.",
    ),
    "IMAGE_RATE_LIMITED": Code(
        "The registry is rate-limiting this machine.",
        "Try again later, or log in, which raises the limit: `docker login` for requests of the controller. Nodes pull "
        "through the bastion's caches, which keep what they pulled once and log in with "
        "cluster_registry_login_parameters (bastion_host_registry_passwords outside of EC2).",
        (ERROR, WARNING),
    ),
    "IMAGE_UNEXPECTED_ANSWER": Code(
        "The server is not a registry, or does not follow the distribution specification.",
        "Check that the address is that of a registry, and that the registry works.",
    ),
}

BOOT: Mapping[str, Code] = {
    "NOT_ROOT": Code("The module does not run as root.", "Run it as root: become: true."),
    "MACHINE_NOT_SUPPORTED": Code(
        "boot-to-talos does not exist for the machine's architecture.",
        "Use a machine with an architecture that the message names.",
    ),
    "SECURE_BOOT": Code(
        "Secure Boot is on, and the firmware would refuse Talos.",
        "Turn off Secure Boot; on EC2 choose an AMI without UEFI keys.",
    ),
    "KERNEL_LOCKDOWN": Code(
        "The kernel is in lockdown mode and may not let boot-to-talos write to the disk.",
        "Boot it with lockdown=none if it fails.",
        (WARNING,),
    ),
    "LOOP_DEVICE_MISSING": Code("The kernel has no usable loop device.", _KERNEL),
    "SYSRQ_MISSING": Code(
        "/proc/sysrq-trigger does not exist. boot-to-talos needs it to remount the disk read-only and to reboot.",
        "Boot a kernel with CONFIG_MAGIC_SYSRQ. Containers do not have it.",
    ),
    "ARCHIVE_REPLACED": Code(
        "A release of boot-to-talos lists another checksum of its archive than when the cluster first used it.",
        "The archive was replaced, by its publisher or by an attacker. Find out why, and set "
        "cluster_boot_to_talos_sha256 to the checksum that you trust, which is used instead of the recorded one.",
    ),
    "BOOT_TO_TALOS_TOO_OLD": Code(
        "The release of boot-to-talos does not work on this machine.",
        "Set version to a newer release.",
    ),
    "DISK_UNUSABLE": Code(
        "The disk does not exist, is ambiguous, or cannot be written to.",
        "Set the option disk; lsblk lists the disks.",
    ),
    "DISK_TOO_SMALL": Code(
        "The disk is smaller than the image.",
        "Use a root volume that is at least as large as the image.",
    ),
    "IMAGE_INDEX": Code(
        "The image is an index, from which boot-to-talos selects linux/amd64 on every machine.",
        "Set the digest of the manifest for the architecture; urmanac.talos.oci_image_info returns it.",
    ),
    "IMAGE_NO_INSTALLER": Code(
        "The image is not a Talos installer.",
        "Set an installer image, such as those that the Talos imager creates with the kind installer.",
    ),
    "IMAGE_DAMAGED": Code("The image or one of its layers cannot be unpacked.", _CACHE),
    "IMAGE_ISO": Code(
        "An ISO image cannot be installed.",
        "Set an installer image, or a disk image that ends in .raw.xz.",
    ),
    "IMAGE_DOWNLOAD": Code("The disk image could not be downloaded.", _CACHE),
    "REGISTRY_PLAIN_HTTP": Code(
        "The registry uses plain HTTP at an address for which boot-to-talos uses HTTPS.",
        "Use a private IPv4 address for the registry.",
    ),
    "MEMORY_TOO_SMALL": Code("The machine has too little memory to unpack the image.", _NO_MEMORY),
    "KERNEL_ARGUMENTS": Code(
        "Talos will not receive the extra kernel arguments.",
        "Set addresses in the Talos configuration (LinkConfig), as the role talos does.",
        (WARNING,),
    ),
    "INSTALLER_FAILED": Code("Talos' installer failed.", "Read the preceding lines, which contain the reason."),
    "MOUNT_FAILED": Code("boot-to-talos is not permitted to mount or write what it needs.", _KERNEL),
    "INSTALL_ABORTED": Code("boot-to-talos ended because one of its prompts got a wrong answer.", _LOOK),
    "OPTION_UNKNOWN": Code(
        "This release of boot-to-talos does not support these options.", "Use release 0.7.1 or newer."
    ),
    "KEXEC_FAILED": Code(
        "The kernel rejects kexec, or the image contains no kernel.",
        "Use install mode, as the collection does, and do not use -yes.",
    ),
    "PROGRAM_CRASHED": Code("boot-to-talos crashed.", "Run it again."),
    "PROGRAM_UNUSABLE": Code("boot-to-talos is for another architecture.", _LOOK),
    "BOOT_FAILED": Code("boot-to-talos failed for an unknown reason.", "Read the preceding lines."),
}

TALOS: Mapping[str, Code] = {
    "UNKNOWN_CONTRACT": Code(
        "The collection does not support configurations for this Talos release.",
        "Use a contract that the message names, or leave cluster_talos_contract empty.",
    ),
    "TALOS_VERSIONS_DIFFER": Code(
        "The images contain different minor versions of Talos.",
        "Set images of one minor version in cluster_images.",
    ),
    "NODE_IMAGE_OUTDATED": Code(
        "A node does not run the image that cluster_images describes for its role.",
        "Run playbooks/upgrade.yml, which alone changes the image of a node.",
        (WARNING,),
    ),
    "NODE_VERSION_UNEXPECTED": Code(
        "A node runs another Talos version than its image contains, so its instance was created from another image "
        "than the recorded one.",
        "Terminate the instance (aws ec2 terminate-instances) and run the playbook again, or resolve the images again "
        "with -e cluster_images_refresh=true.",
    ),
    "TALOS_VERSION_UNKNOWN": Code(
        "The Talos version of an image to upgrade to is not known.",
        "To upgrade the nodes to the tag's current image, add -e cluster_images_refresh=true; this needs nodes whose "
        "images are recorded. Otherwise set cluster_images to images whose tag is a version, such as "
        "registry.example.com/talos:v1.13.7, or to digests; for a digest whose image has no label with the version, "
        "set talos_image_version, too.",
    ),
    "IMAGE_OF_OTHER_VERSION": Code(
        "An image contains another Talos version than talos_image_version.",
        "Set talos_image_version to the version of the images. Leave it out only if their tags name it.",
    ),
    "UNKNOWN_NODE_NAME": Code(
        "The cluster has no node of this name.",
        "Set talos_upgrade_nodes to names of nodes.",
    ),
    "TALOS_TOO_OLD": Code(
        "An image contains a Talos version older than the oldest supported one.",
        "Set an image of a later version.",
    ),
    "CONTRACT_NEWER_THAN_TALOS": Code(
        "An image contains a Talos version that rejects configurations of the contract.",
        "Set cluster_talos_contract to an older one, or set cluster_images to later images.",
    ),
    "CONFIG_KIND_MISSING": Code(
        "A document of a machine configuration has no kind.",
        "Add kind and apiVersion; most documents have apiVersion: v1alpha1.",
    ),
    "CONFIG_KIND_UNKNOWN": Code(
        "The Talos version does not support the kind of a document.",
        "Correct the kind, remove the document, or use a version that supports it.",
    ),
    "CONFIG_FIELD_UNKNOWN": Code(
        "The Talos version does not support a field.",
        "Correct the name of the field or remove it.",
    ),
    "CONFIG_VALUE_WRONG": Code("A value does not have the type or format of its field.", "Correct the value."),
    "DUPLICATE_CONFIG_DOCUMENT": Code("The configuration contains a document twice.", "Merge the two into one."),
    "CONFIG_INVALID": Code(
        "Talos would reject the configuration, because a value is not allowed or conflicts with another one.",
        "Correct the value that the message names.",
    ),
    "TAILSCALE_NO_GATEWAY": Code(
        "No node has the role gateway, but Tailscale runs on the gateway only.",
        "Give one node in cluster_nodes the role gateway, or set cluster_tailscale_enabled to false.",
    ),
    "TAILSCALE_SECOND_GATEWAY": Code(
        "Several nodes have the role gateway; two routers for the same networks interfere with each other.",
        "Set the role gateway on one node only in cluster_nodes.",
    ),
    "TAILSCALE_NO_KEY": Code("No Tailscale auth key is set.", _NEW_KEY),
    "TAILSCALE_NOT_AN_AUTH_KEY": Code("The value is not a Tailscale auth key.", _NEW_KEY),
    "TAILSCALE_ROUTE": Code(
        "A route for Tailscale is not a network.",
        "Write networks with a prefix and no host bits, such as 10.10.0.0/24.",
    ),
    "TAILSCALE_HOSTNAME": Code(
        "The gateway's name in the tailnet is not a valid host name.",
        "Use 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end.",
    ),
    "TAILSCALE_NO_EXTENSION": Code(
        "The gateway's image does not have the extension tailscale.",
        "Set the gateway's image in cluster_images to one with the extension, and run playbooks/upgrade.yml.",
    ),
    "TAILSCALE_SERVICE_WAITING": Code(
        "The extension's service waits for its configuration document, or for what it depends on.",
        "Run playbooks/site.yml, which gives the node that document.",
        (WARNING,),
    ),
    "TAILSCALE_NO_LOGIN": Code(
        "The extension has not logged a successful login yet.",
        "Check that the node can reach the internet.",
        (WARNING,),
    ),
    "TAILSCALE_UNKNOWN": Code(
        "The gateway does not say whether it is in the tailnet.", "Wait until it answers, and run the playbook again."
    ),
    "TAILSCALE_LOGIN_REFUSED": Code("Tailscale rejected the gateway's login.", _NEW_KEY),
}

# An error keeps the installation from completing. Meanings without a full stop are also used in messages.
COZYSTACK: Mapping[str, Code] = {
    "ARCH_UNSUPPORTED_IMAGES": Code(
        "Images are not built for the nodes' architecture.",
        "Build them for this architecture, and set cluster_cozystack_operator_image, "
        "cluster_cozystack_platform_source_url and "
        "_ref.",
        (ERROR, WARNING),
    ),
    "INSUFFICIENT_MEMORY": Code("No node has enough memory left for some pods.", _LARGER, (ERROR, WARNING)),
    "MEMORY_WILL_RUN_OUT": Code(
        "All pods can be scheduled by their requests, but then use more memory than the nodes have.",
        _LARGER,
    ),
    "INSUFFICIENT_CPU": Code("No node has enough processor time left for some pods.", _LARGER, (ERROR, WARNING)),
    "INSUFFICIENT_PODS": Code(
        "There are more pods than the nodes' kubelets allow.",
        "Raise maxPods of the kubelets, or use more nodes.",
        (ERROR, WARNING),
    ),
    "INSUFFICIENT_DISK": Code(
        "A disk is too small, or almost full.", "Use larger volumes (cluster_volume_size).", (ERROR, WARNING)
    ),
    "NOT_ENOUGH_NODES": Code(
        "Some pods must not share a node, and there are fewer nodes than such pods.",
        "Use more nodes (cluster_nodes).",
        (ERROR, WARNING),
    ),
    "NO_SCHEDULABLE_NODE": Code(
        "Some pods cannot be scheduled on any node, because of taints or labels.",
        "Compare the nodes' taints and labels with the pod's requirements.",
        (ERROR, WARNING),
    ),
    "POD_NOT_SCHEDULED": Code(
        "No scheduler assigns a pod to a node.",
        "Check the scheduler that the pod names: kube-scheduler on the control planes, or LINSTOR's in cozy-linstor. "
        "A pod with scheduling gates waits for the controller that removes them.",
        (WARNING, ERROR),
    ),
    "KVM_MISSING": Code(
        "virtual machines cannot start: no node has /dev/kvm",
        "Use a metal instance type for the nodes that run virtual machines, or the profile novirt.",
        (WARNING,),
    ),
    "DATA_DISK_MISSING": Code(
        "no second disk for LINSTOR, so no volume can be created",
        "Add a second disk to every node (cluster_data_volume_size), or set cluster_cozystack_data_disk to an existing "
        "one.",
        (WARNING,),
    ),
    "IMAGES_UNCHECKED": Code(
        "The architectures of some of CozyStack's images could not be queried from the registry.",
        "For these images the forecast uses cluster_cozystack_images_arm64. Run it from a host that reaches the "
        "registry, or set a mirror of the registry in cluster_images_mirrors.",
        (WARNING,),
    ),
    "VERSION_WITHOUT_DATA": Code(
        "The collection has no data about this CozyStack version, or only data from before its release.",
        "Expect the forecast and the profiles to be partly wrong, or use a version for which there is data.",
        (WARNING,),
    ),
    "PACKAGES_NOT_CLOSED": Code(
        "Packages wait for packages that were disabled.",
        "Enable these packages, or also disable the packages that depend on them, as the profiles do.",
    ),
    "BELOW_DOCUMENTED_USE": Code(
        "A node has less memory, CPU or disk than CozyStack uses on every node according to its documentation.",
        "Use nodes with that much of what the message names. With less memory containers are killed, with less disk "
        "pods are evicted.",
        (WARNING,),
    ),
    "SIZE_UNKNOWN": Code(
        "The size of an instance type is not known.",
        "Use a type of the collection's table, which the evidence lists, or run playbooks/preflight.yml with "
        "credentials: it reads the sizes from EC2. playbooks/forecast.yml calls no API.",
    ),
    "API_UNREACHABLE": Code(
        "the Kubernetes API does not answer",
        "Check the control planes (urmanac.talos.talos_info), their memory, and the route to them.",
    ),
    "NOT_INSTALLED": Code(
        "CozyStack is not installed",
        "Install it with urmanac.talos.cozystack_install.",
    ),
    "NODE_NOT_READY": Code(
        "A node is not ready.",
        "Inspect it with urmanac.talos.talos_info. It may have run out of memory.",
    ),
    "NODE_CORDONED": Code(
        "A node takes no new pods, because it is cordoned or was drained.",
        "Let it take pods again: kubectl uncordon {node}.",
        (WARNING, ERROR),
    ),
    "OPERATOR_NOT_READY": Code(
        "CozyStack's operator does not run.",
        "Look at its pod: kubectl --namespace cozy-system describe pod, and logs.",
    ),
    "FLUX_NOT_READY": Code(
        "Flux does not run.",
        "Look at its pod: kubectl --namespace cozy-fluxcd describe pod, and logs of its containers.",
    ),
    "SOURCE_NOT_READY": Code(
        "The source of the packages cannot be read.",
        "Check cluster_cozystack_platform_source_url and _ref, and that the nodes can reach it. If the registry asks "
        "for a login, make the packages public, or set cozystack_platform_source_secret.",
    ),
    "PACKAGE_NOT_READY": Code(
        "A package is not ready.",
        "Look at it: kubectl describe package {name}.",
    ),
    "RELEASE_NOT_READY": Code(
        "A release is not ready although everything that it depends on is.",
        "Look at it: kubectl --namespace {namespace} describe helmrelease {name}, and at its pods.",
    ),
    "OTHER_RELEASE_NOT_READY": Code(
        "A release that belongs to no package and to no module of the root tenant is not ready. CozyStack does not "
        "wait for it.",
        "Look at it: kubectl --namespace {namespace} describe helmrelease {name}, and at its pods.",
        (WARNING,),
    ),
    "PACKAGE_MISSING": Code(
        "A release depends on a release of a package that is not installed.",
        "Remove the package that the message names from cozystack_disabled_packages, or add it to "
        "cozystack_enabled_packages, and run the playbook again.",
    ),
    "RELEASE_NOT_CREATED": Code(
        "The root tenant enables a release that does not exist.",
        "It was probably deleted: Flux creates it again with the next upgrade of the tenant, which kubectl --namespace "
        'tenant-root annotate helmrelease tenant-root --overwrite reconcile.fluxcd.io/requestedAt="$(date +%s)" '
        'reconcile.fluxcd.io/forceAt="$(date +%s)" requests.',
    ),
    "RELEASE_SUSPENDED": Code(
        "A release is suspended, so Flux does not install or change it.",
        "Set its spec.suspend to false: kubectl --namespace {namespace} edit helmrelease {name}.",
    ),
    "RELEASE_UNASSIGNED": Code(
        "No controller of Flux processes the release of a tenant.",
        "cozystack.flux-shard-operator assigns one. Check that this package is enabled, and look at its pods and at "
        "those of helm-controller-shard0: kubectl --namespace cozy-fluxcd get pods. It needs cozystack.cert-manager.",
    ),
    "ARTIFACT_MISSING": Code(
        "The chart of a release does not exist in the cluster.",
        "Look at what creates it: kubectl get packagesources shows which source is not ready, and why.",
        (ERROR, WARNING),
    ),
    "IMAGE_PULL_FAILED": Code(
        "An image cannot be pulled.",
        "Check the image's name, the registry and its cache on the bastion. If the registry asks for a login, make the "
        "image public.",
        (ERROR, WARNING),
    ),
    "IMAGE_PULL_SLOW": Code(
        "An image is still being pulled.",
        "Wait, or check the bastion's load and the cache of the registry: all nodes pull through it.",
        (WARNING, ERROR),
    ),
    "INIT_NOT_FINISHED": Code(
        "An init container of a pod has not finished, usually because it waits for something else.",
        "Find what it waits for in its log: kubectl --namespace NAMESPACE logs POD --container CONTAINER.",
        (WARNING, ERROR),
    ),
    "OUT_OF_MEMORY_KILLED": Code(
        "A container was killed because memory ran out.",
        _LARGER,
        (WARNING, ERROR),
    ),
    "NODE_MEMORY_PRESSURE": Code(
        "A node has so little free memory that its kubelet evicts pods.",
        _LARGER,
        (WARNING, ERROR),
    ),
    "NODE_PID_PRESSURE": Code(
        "A node runs so many processes that its kubelet evicts pods.",
        "Find the pod whose processes multiply, and delete it or limit its processes (podPidsLimit of the kubelets). "
        "More nodes share the number.",
        (WARNING, ERROR),
    ),
    "POD_NOT_STOPPED": Code(
        "A node cannot stop a pod that is being deleted, so its controller creates no other one.",
        "Correct what the message names, often the container network of the node. If the node no longer exists, remove "
        "the pod: kubectl --namespace NAMESPACE delete pod POD --force.",
        (WARNING, ERROR),
    ),
    "POD_EVICTED": Code(
        "A node evicted a pod because of memory or disk pressure, or for a pod with a higher priority.",
        "Use a larger instance type or more nodes for memory, larger volumes (cluster_volume_size) for "
        "ephemeral-storage.",
        (WARNING, ERROR),
    ),
    "POD_REJECTED": Code(
        "A node rejected a pod that was assigned to it.",
        "Compare the pod's requests with the free resources of the node. Its controller creates another pod.",
        (WARNING, ERROR),
    ),
    "CONTAINER_CRASHES": Code(
        "A container crashes repeatedly.",
        "Fix the problem that the last lines of its log name. For the full log run kubectl --namespace NAMESPACE logs "
        "POD --previous.",
        (WARNING, ERROR),
    ),
    "CONTAINER_CONFIG_MISSING": Code(
        "A container waits for a Secret, a ConfigMap or a key that does not exist.",
        "Find the release that creates it, which may not be ready yet. If no release creates it, create it yourself.",
        (WARNING, ERROR),
    ),
    "CONTAINER_NOT_CREATED": Code(
        "The container runtime cannot create or start a container.",
        "Correct what the message names: the command, a mount, a device, or a name that an older container still uses.",
        (WARNING, ERROR),
    ),
    "VOLUME_NOT_MOUNTED": Code(
        "A volume of a pod cannot be attached or mounted.",
        "Create what the message names, or check the driver of the volume (LINSTOR's pods in cozy-linstor).",
        (WARNING, ERROR),
    ),
    "POD_SANDBOX_FAILED": Code(
        "The node cannot set up the network or the sandbox of a pod.",
        "First check the pods of the container network on that node (cozy-cilium, cozy-kubeovn, cozy-multus).",
        (WARNING, ERROR),
    ),
    "RUNTIME_MISSING": Code(
        "The node's containerd, or the cluster, does not have the runtime class of a pod.",
        "Set images with the extension (cluster_images; spin for WASM), and create the RuntimeClass.",
        (WARNING, ERROR),
    ),
    "PROBE_FAILED": Code(
        "A container is running, but its probe fails.",
        "Read its log, and check that the services that it needs respond. On a busy node it may only be slow: use a "
        "larger node.",
        (WARNING, ERROR),
    ),
    "POD_SECURITY_REFUSED": Code(
        "The Pod Security level of a namespace does not allow a pod.",
        "Label it: kubectl label --overwrite namespace NAMESPACE pod-security.kubernetes.io/enforce=privileged.",
        (WARNING, ERROR),
    ),
    "POD_REFUSED": Code(
        "The API server refuses to create a pod.",
        "Correct what the message names, such as a ServiceAccount that does not exist yet.",
        (WARNING, ERROR),
    ),
    "JOB_FAILED": Code(
        "A Job that a release waits for, such as a hook of its chart, has failed.",
        "Read the log of the Job's pod, fix the problem, and let Flux retry: flux reconcile helmrelease --force.",
        (ERROR, WARNING),
    ),
    "LOAD_BALANCER_PENDING": Code(
        "A Service of type LoadBalancer that a release waits for has no address.",
        "Configure an address pool for MetalLB, or in EC2, where MetalLB does not work, set externalIPs of the Service "
        "to addresses of nodes. cozystack_external_ips applies only to the ingress of the root tenant "
        "(cozystack_tenant_ingress).",
        (ERROR, WARNING),
    ),
    "KIND_MISSING": Code(
        "A chart contains a kind of object that the cluster does not have.",
        "Check whether the release with its CustomResourceDefinition is disabled or not ready. Flux retries.",
        (ERROR, WARNING),
    ),
    "RELEASE_LOCKED": Code(
        "An earlier installation of the release was interrupted, so Helm still has it locked.",
        "Delete the latest Secret sh.helm.release.v1.NAME.vN of the pending release. Flux then retries.",
        (ERROR, WARNING),
    ),
    "VALUES_REFUSED": Code(
        "A chart cannot be rendered with its values.",
        "Correct the values that the message names: cozystack_values for the platform, otherwise those of the Package "
        "or the application.",
        (ERROR, WARNING),
    ),
    "API_OVERLOADED": Code(
        "The Kubernetes API or etcd does not respond in time.",
        "Check memory and CPU credits of the control planes; " + _LARGER[0].lower() + _LARGER[1:],
        (ERROR, WARNING),
    ),
    "ETCD_DATABASE_FULL": Code(
        "The database of etcd has reached its quota, so that the Kubernetes API stores nothing.",
        "Compare DB SIZE and IN USE of talosctl etcd status. Run talosctl etcd defrag on one control plane after the "
        "other, then talosctl etcd alarm disarm on one. If as much is in use as the quota allows, 2 GiB by default, "
        "raise it first: quota-backend-bytes of etcd's extraArgs.",
        (ERROR, WARNING),
    ),
    "ETCD_CORRUPT": Code(
        "The members of etcd have different data, so that it stores nothing.",
        "talosctl etcd alarm list names the member with the alarm CORRUPT. Save a snapshot of another member, and "
        "reset that node so that it joins again. Without a sound member restore a snapshot (roles/talos/README.md).",
        (ERROR, WARNING),
    ),
    "OBJECT_TOO_LARGE": Code(
        "An object is larger than the Kubernetes API or etcd stores, about 1 MiB.",
        "Make it smaller: split the ConfigMap or Secret that the message names, or shorten the values of the release.",
        (ERROR, WARNING),
    ),
    "API_SERVICE_UNAVAILABLE": Code(
        "A server that extends the Kubernetes API, such as CozyStack's own or the one for metrics, does not respond.",
        "Find the APIService that is not available with kubectl get apiservices, and check the pods behind it. Flux "
        "retries.",
        (ERROR, WARNING),
    ),
    "VOLUME_PENDING": Code(
        "No provisioner provides a volume that a pod waits for.",
        "Create a StorageClass and a pool for LINSTOR (cluster_cozystack_data_disk). If they exist, compare the pool's "
        "nodes and free space with what the message names.",
        (WARNING, ERROR),
    ),
    "WEBHOOK_REFUSED": Code(
        "A webhook rejects the request, or cannot be reached.",
        "Check the webhook's own pod, and network policies that may block it. Flux retries.",
        (ERROR, WARNING),
    ),
    "QUOTA_EXCEEDED": Code(
        "A ResourceQuota or LimitRange of a namespace does not allow an object.",
        "Raise the ResourceQuota or LimitRange, or remove objects that count towards the quota. If the message says "
        "that limits or requests must be specified, set them in the values of the package or application.",
        (ERROR, WARNING),
    ),
    "SMOKE_TEST_NOT_POSSIBLE": Code(
        "A component that a smoke test needs is not installed.",
        "Install it, or remove the test from cozystack_smoke_tests.",
    ),
    "SMOKE_TEST_FAILED": Code(
        "The workload of a smoke test failed.",
        "Act on the cause that the message names.",
    ),
    "SMOKE_TEST_TIMED_OUT": Code(
        "The workload of a smoke test does not work in time, and shows no problem.",
        "Run the smoke test again with a longer cozystack_smoke_timeout, and look at its events meanwhile: "
        "kubectl --namespace urmanac-smoke-test get events.",
    ),
    "SMOKE_TEST_NOT_DELETED": Code(
        "The namespace of an earlier smoke test still exists.",
        "Look at what keeps it from being deleted: kubectl get namespace urmanac-smoke-test --output yaml.",
    ),
    "NAME_CLASH": Code(
        "Another tool created an object with the same name.",
        "Remove the other object (for example another CNI), or let Helm adopt it by its annotations.",
        (ERROR, WARNING),
    ),
}

AREAS: Mapping[str, Mapping[str, Code]] = {
    "Variables": VARIABLES,
    "Errors of modules": ERRORS,
    "The cluster's description": DESCRIPTION,
    "The journal of sessions": SESSIONS,
    "The bastion and the connection to it": BASTION,
    "The AWS account": ACCOUNT,
    "AWS API calls": AWS,
    "Home access": HOME,
    "The audit": AUDIT,
    "Images in registries": IMAGES,
    "Booting Linux machines into Talos": BOOT,
    "Talos": TALOS,
    "CozyStack": COZYSTACK,
}
CODES: Mapping[str, Code] = {name: code for area in AREAS.values() for name, code in area.items()}
