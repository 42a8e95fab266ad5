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

# What was asked for cannot be done, or will not work.
ERROR = "error"
# Allowed, and worth knowing.
WARNING = "warning"
# How far something opens a cluster that its description closes.
CRITICAL, HIGH, MEDIUM, LOW = "critical", "high", "medium", "low"
SEVERITIES = (CRITICAL, HIGH, MEDIUM, LOW, ERROR, WARNING)


class Code(NamedTuple):
    """What a code means, what to do, and the severities that its findings can have, the usual one first."""

    meaning: str
    remedy: str
    severities: tuple[str, ...] = (ERROR,)


_KEYS = "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with `aws sso login`."
_FREE_QUOTA = "Raise the quota in Service Quotas, free some of what is in use, or describe a smaller cluster."
_SITE = "Run playbooks/site.yml, which restores what is described."
_HOME_ADDRESS = (
    "Give the global IPv6 network of home. `curl -6 https://ifconfig.co` at home prints the address; its first four "
    "groups and ::/64 are the network."
)
_EXPIRES = "Write a duration such as 30m, 8h or 2d, or a time such as 2026-12-24T18:00:00Z."
_HOME_ACCESS = "Run playbooks/remove_home_access.yml, or any playbook of the cluster to close what has expired."
_LARGER = "Take a larger instance type or more nodes; playbooks/forecast.yml shows the smallest change that fits."
_CACHE = "Check that the cache on the bastion answers (curl http://BASTION:PORT/v2/) and reaches its registry."
_NO_MEMORY = "Take a larger instance type, or a disk image (https://…/metal-arm64.raw.xz), which needs little memory."
_KERNEL = "Boot an ordinary kernel, such as Amazon Linux 2023's; containers and hardened kernels may forbid it."
_LOOK = "Read the lines before it in the log or on the console."
_NEW_KEY = (
    "Make an auth key in Tailscale's admin console (Settings, Keys), and give it as cluster_tailscale_auth_key in a "
    "vaulted file or as the environment variable TS_AUTHKEY."
)

VARIABLES: Mapping[str, Code] = {
    "VARIABLE_UNKNOWN": Code(
        "A variable begins with the name of a role, and no role reads it.",
        "Correct its name, remove it, or name it in cluster_other_variables if it belongs to a role of others.",
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
        "The value of a variable is of another type than its role takes.",
        "Give it a value of the type that the message names.",
    ),
    "VARIABLE_VALUE_WRONG": Code(
        "The value of a variable has the right type, but cannot work.",
        "Give it a value as the message describes it.",
    ),
    "VARIABLE_NOT_READABLE": Code(
        "A template in the value of a variable fails.",
        "Correct the template; `ansible localhost -m debug -a var=NAME -e @FILE` evaluates it.",
    ),
    "TAG_SELECTS_NOTHING": Code(
        "No task of the playbook has a tag of the run, so the run would do nothing and succeed.",
        "Use the tags that the message names.",
    ),
    "DIRECTORY_NOT_WRITABLE": Code(
        "A folder of the cluster cannot be made, or nothing can be written to it.",
        "Choose a folder below your home, or let the user who runs the playbook write to it.",
    ),
}

DESCRIPTION: Mapping[str, Code] = {
    "INVALID_CLUSTER_NAME": Code(
        "The cluster's name cannot name security groups, IAM roles and hosts.",
        "Use 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end, and not sg- in front.",
    ),
    "INVALID_PROJECT_NAME": Code(
        "The project's name cannot be part of the names of IAM roles and of SSM parameters.",
        "Use 1 to 64 letters of ASCII, digits and . _ - in cluster_project.",
    ),
    "IAM_NAME_TOO_LONG": Code(
        "A name made of project and cluster is longer than IAM allows.",
        "Shorten cluster_name or cluster_project.",
    ),
    "TEXT_NOT_ALLOWED": Code(
        "A name, description or tag that is made of several variables has a length or characters that AWS refuses.",
        "Shorten cluster_name or cluster_project, or use other characters in them.",
    ),
    "COMMAND_LINE_TOO_LONG": Code(
        "The kernel arguments for Talos are longer than what the kernel keeps of its command line.",
        "Leave some of nodes_extra_kernel_args out.",
    ),
    "INVALID_REGION": Code(
        "The region's name is misspelt, or it is one of China or of the US government, which have other ARNs.",
        "Use a name such as eu-west-1; `aws ec2 describe-regions --query 'Regions[].RegionName'` lists yours.",
    ),
    "INVALID_DOMAIN": Code(
        "The cluster's domain is not a DNS domain.",
        "Use labels of lower-case letters, digits and hyphens with dots between, such as talos.local.",
    ),
    "ZONE_NOT_IN_REGION": Code(
        "The availability zone belongs to another region.",
        "Take a zone of the region, such as eu-west-1a in eu-west-1.",
    ),
    "ZONE_NOT_AVAILABLE": Code(
        "The availability zone does not exist for this account or cannot be used now.",
        "Take another zone of the region.",
    ),
    "INVALID_CIDR": Code(
        "A text is not an IPv4 network.",
        "Write it as address/prefix, such as 10.10.0.0/16.",
    ),
    "CIDR_HOST_BITS": Code(
        "A network has bits set behind its prefix, so AWS would use another one without saying so.",
        "Write the network without them.",
    ),
    "CIDR_PREFIX_NOT_ALLOWED": Code(
        "A network is wider or narrower than a VPC or a subnet can be.",
        "Choose a prefix from /16 to /28.",
    ),
    "VPC_OVERLAPS_CLUSTER": Code(
        "The VPC's network overlaps the one of Kubernetes' pods or services, so that nodes could not reach each other.",
        "Choose a network apart from 10.244.0.0/16, 10.96.0.0/16 and 100.64.0.0/16, such as 10.10.0.0/16.",
    ),
    "CIDR_NOT_USABLE": Code(
        "The VPC's network lies in a range that is reserved for link-local, multicast or special use.",
        "Use a private range, such as 10.10.0.0/16.",
    ),
    "SUBNET_OUTSIDE_VPC": Code(
        "The subnet does not lie in the VPC.",
        "Choose a subnet of the VPC, or a VPC that holds the subnet.",
    ),
    "INVALID_ADDRESS": Code(
        "A text is not an IPv4 address.",
        "Write an address such as 10.10.0.101.",
    ),
    "ADDRESS_OUTSIDE_SUBNET": Code(
        "The address of a machine does not lie in the subnet.",
        "Choose an address of the subnet, or another cluster_subnet_ipv4_cidr.",
    ),
    "ADDRESS_RESERVED": Code(
        "The address is one of the five that AWS keeps in each subnet.",
        "Choose an address that is neither one of the first four nor the last one of the subnet.",
    ),
    "ADDRESS_TAKEN_TWICE": Code(
        "Two machines are given the same address.",
        "Give each an address of its own.",
    ),
    "NODE_NAME_TAKEN_TWICE": Code(
        "Several nodes have the same name.",
        "Give each node a name of its own.",
    ),
    "TOO_MANY_NODES": Code(
        "More nodes are described than cluster_nodes_max allows.",
        "Describe fewer nodes, or raise cluster_nodes_max if the bill may grow.",
    ),
    "INVALID_NODE_NAME": Code(
        "A node's name cannot be a host name.",
        "Use 1 to 63 lower-case letters, digits and hyphens, no hyphen at either end.",
    ),
    "NODE_NAME_RESERVED": Code(
        "A node has the name of another part of the cluster.",
        "Call the node something else.",
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
        "An even number of control planes tolerates no more failures than one control plane less.",
        "Use one control plane more or less.",
    ),
    "VOLUME_TOO_SMALL": Code(
        "A root volume cannot hold the system and the images.",
        "Set volume_size, or cluster_bastion_volume_size, to the size that the message names or more.",
    ),
    "VOLUME_TOO_LARGE": Code(
        "EC2 makes no volume of this size.",
        "Set volume_size, or cluster_bastion_volume_size, to 65536 GiB (64 TiB) or less.",
    ),
    "UNKNOWN_CPU_CREDITS": Code(
        "The CPU credit mode does not exist.",
        "Set cluster_cpu_credits to unlimited or standard.",
    ),
    "TOO_MANY_TAGS": Code(
        "The tags and the collection's own are more than AWS allows on one resource.",
        "Remove tags from cluster_tags.",
    ),
    "INVALID_TAG_KEY": Code("AWS refuses the key of a tag.", "Choose another key."),
    "INVALID_TAG_VALUE": Code("AWS refuses the value of a tag.", "Choose another value."),
    "TAG_KEY_RESERVED": Code(
        "The collection finds its resources by this tag, so it cannot be set.",
        "Choose another key.",
    ),
    "NOT_CHECKED": Code(
        "AWS refused a question about quotas, the account's plan or prices, so this was not compared.",
        "Allow the call that the message names, or go on without the comparison.",
        (WARNING,),
    ),
}

BASTION: Mapping[str, Code] = {
    "UNKNOWN_EGRESS": Code(
        "The bastion has no egress mode of this name.",
        "Set cluster_bastion_egress to one of the values that the message names.",
    ),
    "WIREGUARD_PARAMETER_MISSING": Code(
        "The tunnel's key has to be in an SSM parameter, and no parameter is named.",
        "Put it into one (`aws ssm put-parameter --type SecureString`) and name that parameter, such as "
        "/talos/wireguard.",
    ),
    "SOURCES_OUT_OF_REACH": Code(
        "A bastion without IPv4 cannot fetch images or files that are at hosts without IPv6.",
        "Set cluster_bastion_egress to public_ipv4 or wireguard, or fetch them from servers of your own.",
    ),
    "INVALID_KEY_PAIR_NAME": Code(
        "A text, such as a public key, cannot be the name of an EC2 key pair.",
        "Name a key pair of the region (`aws ec2 describe-key-pairs`), not a public key.",
    ),
    "KEY_PAIR_NOT_FOUND": Code(
        "The region has no key pair with this name.",
        "Use one of those that exist, or make one with `aws ec2 import-key-pair`.",
    ),
    "INVALID_SSH_PUBLIC_KEY": Code(
        "A text is neither an SSH public key nor the path of a file with one.",
        "Give the path or the content of a file such as ~/.ssh/id_ed25519.pub; `ssh-keygen -t ed25519` makes one.",
    ),
    "NODE_SSH_KEY_MISSING": Code(
        "playbooks/boot.yml logs in to the nodes, and the nodes would accept no key.",
        "Set cluster_bastion_ssh_public_key to a public key or its file, or nodes_ssh_key_name to an EC2 key pair.",
    ),
    "SSH_KEY_MISSING": Code(
        "The build logs in to the bastion, and the bastion would accept no key.",
        "Set it to a public key or its file (`ssh-keygen -t ed25519` makes ~/.ssh/id_ed25519.pub, which is the "
        "default), or set cluster_bastion_ssh_key_name to a key pair of EC2.",
    ),
    "NO_BASTION_HOST": Code(
        "The nodes are asked over a bastion that is neither made nor in the inventory.",
        "Set cluster_bastion_enabled to true, name a host bastion of your own in the inventory (-i), or set "
        "cluster_api_via to localhost if this computer reaches the nodes.",
    ),
    "NO_WAY_TO_BASTION": Code(
        "The build logs in to the bastion, and its security group lets no network in.",
        "Set access_ipv6 to the IPv6 network of this computer, such as 2001:db8:1:2::/64. Without IPv6 here set "
        "cluster_bastion_connection to ssm, or name a host bastion of your own in the inventory.",
    ),
    "CONNECTION_PROGRAM_MISSING": Code(
        "The build logs in to the bastion, and this computer lacks a program for it.",
        "Install OpenSSH; for Session Manager the AWS CLI and its session-manager-plugin too, or set "
        "cluster_bastion_connection to ssh.",
    ),
    "UNKNOWN_CONNECTION": Code(
        "The kind of connection to the bastion does not exist.",
        "Set cluster_bastion_connection to ssh or ssm.",
    ),
    "INVALID_PARAMETER_NAME": Code(
        "A text cannot be the name of an SSM parameter.",
        "Use letters, digits and . - _ with slashes between: /urmanac.talos/talos-arm64/moon/bastion-host-key.",
    ),
    "INVALID_IMAGE": Code(
        "A text names no image that the bastion could start from.",
        "Write ami-… or resolve:ssm:/path/of/a/parameter.",
    ),
    "INVALID_TIME": Code(
        "A text is not a time of the day.",
        'Write hours and minutes, such as "18:00".',
    ),
    "INVALID_SCHEDULE": Code(
        "Only one of the bastion's start and stop is set, or both are the same.",
        "Set both to different times, or both to nothing for a bastion that always runs.",
    ),
    "INVALID_TIME_ZONE": Code(
        "Auto Scaling does not know the time zone.",
        "Use a name of the IANA database, such as Etc/UTC or Europe/Dublin.",
    ),
    "INVALID_KEEP_MINUTES": Code(
        "The bastion cannot be kept running for that long.",
        "Use fewer minutes, or leave cluster_bastion_start and _stop empty for a bastion that always runs.",
    ),
}

ACCOUNT: Mapping[str, Code] = {
    "INSTANCE_TYPE_NOT_IN_REGION": Code(
        "The region does not have the instance type.",
        "Take t4g.medium, or another region.",
    ),
    "TYPE_NOT_IN_ZONE": Code(
        "The region has the instance type, and the availability zone does not offer it.",
        "Choose another cluster_availability_zone or type.",
    ),
    "ARCHITECTURE_NOT_ARM64": Code(
        "The instance type is of another architecture than the images.",
        "Take a Graviton type, such as t4g.medium.",
    ),
    "INSTANCE_TYPE_TOO_SMALL": Code(
        "The instance type has too little memory for Talos.",
        "Take t4g.small for trying out, t4g.medium for use.",
    ),
    "INSTANCE_TYPE_TIGHT": Code(
        "The instance type has enough memory to boot Talos, and too little to run CozyStack.",
        "Take t4g.medium or larger for more than trying out.",
        (WARNING,),
    ),
    "BASTION_IMAGE_NOT_FOUND": Code(
        "The image from which the bastion starts, or the parameter that names it, does not exist in the region.",
        "Name an image for arm64 of the region, or leave cluster_bastion_image out for Amazon Linux 2023.",
    ),
    "EXAMPLE_HOST": Code(
        "An image or a URL is still that of an example, at a host that does not exist.",
        "Name the place to which you have pushed it.",
        (WARNING,),
    ),
    "AMI_NOT_FOUND": Code(
        "The region has no Amazon Linux 2023 for arm64, from which nodes start.",
        "Choose a region that has Graviton instances.",
    ),
    "VCPU_QUOTA_TOO_SMALL": Code("The account may not run so many vCPUs.", _FREE_QUOTA),
    "ADDRESS_QUOTA_TOO_SMALL": Code("The account may not have that many Elastic IPs.", _FREE_QUOTA),
    "VPC_QUOTA_TOO_SMALL": Code("The account may not have another VPC in the region.", _FREE_QUOTA),
    "RULE_QUOTA_TOO_SMALL": Code("A security group may not have that many inbound rules.", _FREE_QUOTA),
    "INTERFACE_QUOTA_TOO_SMALL": Code("The account may not have that many network interfaces.", _FREE_QUOTA),
    "SUBNET_FULL": Code(
        "The subnet that exists has fewer free addresses than are needed.",
        "Delete network interfaces that are not used, or choose a larger cluster_subnet_ipv4_cidr.",
    ),
    "FREE_PLAN_TYPE": Code(
        "An account on the Free plan of AWS may not launch the instance type.",
        "Upgrade the account to the Paid plan, or take a type that the plan allows.",
    ),
    "COST_ABOVE_LIMIT": Code(
        "The forecast of costs is above a limit. It refuses the build with cluster_cost_policy: enforce, and is a note "
        "with warn.",
        "Describe fewer or smaller machines, shorten their hours, or raise the limit; playbooks/cost.yml compares.",
    ),
    "COST_UNKNOWN": Code(
        "There is a limit of costs, and no price of a part of the cluster.",
        "Take a region and types that the shipped prices have, or remove the limits; playbooks/cost.yml with "
        "-e cluster_cost_price_list=true asks AWS for its prices.",
    ),
    "COST_CREDITS_ABOVE_LIMIT": Code(
        "The forecast of costs is within a limit, and would not be if every machine used all of its cores.",
        "Raise the limit, or set cluster_cpu_credits to standard, which is slow.",
        (WARNING,),
    ),
    "NAME_TAKEN": Code(
        "Something without the tags of this cluster has the name or the place of a resource that is to be made.",
        "Choose another cluster_name or cluster_project, or delete it if unused.",
    ),
    "HELD_BY_OTHERS": Code(
        "Something without the tags of this cluster holds a resource of the cluster.",
        "Have its owner release the resource.",
    ),
}

AWS: Mapping[str, Code] = {
    "CREDENTIALS_MISSING": Code("There are no credentials for AWS.", _KEYS),
    "CREDENTIALS_EXPIRED": Code(
        "The credentials have expired.",
        "Log in again (`aws sso login`) or renew the session token.",
    ),
    "CREDENTIALS_INVALID": Code(
        "AWS does not accept the credentials.",
        "Check the access key, the secret key, this machine's clock, and that the account has the region enabled "
        "(`aws ec2 describe-regions --region us-east-1` lists those that are): others refuse right keys as well.",
    ),
    "NOT_AUTHORIZED": Code(
        "The identity in use may not make the call.",
        "Allow {permission} to the identity in use (`aws sts get-caller-identity` tells which it is).",
    ),
    "ENDPOINT_UNREACHABLE": Code(
        "AWS, or the lab, does not answer.",
        "Check the network, the region and AWS_ENDPOINT_URL; for the lab, run `python -m lab up`.",
    ),
    "REQUEST_EXPIRED": Code(
        "AWS treats the request as expired: this machine's clock is wrong, or the session has expired.",
        "Compare the clock (`date -u`) with the time, and set it (`timedatectl set-ntp true`). If it is right, log in "
        "again (`aws sso login`).",
    ),
    "LIMIT_EXCEEDED": Code(
        "A quota of the account is used up.",
        "Raise the quota in Service Quotas, or remove some of what uses it up.",
    ),
    "NO_CAPACITY": Code(
        "AWS has no capacity for this instance type in the availability zone at the moment.",
        "Choose another cluster_availability_zone (on an empty account) or another cluster_instance_type, or try again "
        "in an hour.",
    ),
    "ACCOUNT_NOT_READY": Code(
        "The account may not use the service or the region yet, or AWS has blocked it.",
        "Read the e-mail and the console of the account: AWS asks there to verify it, to enable the region or to pay. "
        "A new account is verified within a day.",
    ),
    "ADDRESS_IN_USE": Code(
        "Something else in the subnet has the address.",
        "Find it with `aws ec2 describe-network-interfaces --filters Name=private-ip-address,Values=ADDRESS`, and "
        "delete it or choose another address for the node.",
    ),
    "STILL_IN_USE": Code(
        "Something still uses what is to be deleted.",
        "The message names it, or `aws ec2 describe-network-interfaces` with the filter subnet-id, group-id or vpc-id "
        "finds it: load balancers, endpoints and functions keep interfaces there. Have its owner remove it.",
    ),
    "CHANGE_IN_PROGRESS": Code(
        "The thing is being changed, by AWS or by another call, and cannot be changed or deleted meanwhile.",
        "Wait some minutes until the change is complete. For a scaling group, `aws autoscaling "
        "describe-scaling-activities` shows what is going on.",
    ),
    "OPERATION_NOT_PERMITTED": Code(
        "AWS lets no one change or delete this: it is protected, or a part of something else.",
        "If it is part of a load balancer, an endpoint or a VPC, delete that: AWS deletes its parts with it.",
    ),
    "ADDRESS_LOCKED": Code(
        "The Elastic IP is locked, in most cases by a reverse DNS record.",
        "Remove that record (`aws ec2 reset-address-attribute --attribute domain-name --allocation-id ID`); if there "
        "is none, AWS Support unlocks the address.",
    ),
    "AWS_UNAVAILABLE": Code(
        "AWS failed to execute the call, for a reason of its own.",
        "Wait some minutes and run it again; https://health.aws.amazon.com shows failures in the region.",
    ),
    "SETTINGS_INVALID": Code(
        "The AWS settings of this machine cannot be used. No request was sent.",
        "Correct ~/.aws/config, ~/.aws/credentials and the environment (AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL); "
        "`aws configure list` shows what is in effect.",
    ),
    "REQUEST_LIMIT_EXCEEDED": Code(
        "AWS is rate-limiting the account.",
        "Wait a minute and run it again; other programs may be calling AWS with the same account.",
    ),
    "ANSWER_INVALID": Code(
        "The answer does not come from AWS.",
        "Check AWS_ENDPOINT_URL and proxies: the server there does not speak the API of AWS.",
    ),
    "BOTOCORE_TOO_OLD": Code(
        "The installed botocore does not know the call.",
        "Install a newer boto3 and botocore; {permission} is not known to this one.",
    ),
    "AWS_ERROR": Code(
        "AWS refused the call for another reason, which the message names.",
        "Look the error code up in the AWS API reference of {permission}.",
    ),
    "CONNECTION_INVALID": Code(
        "The settings do not allow to make an AWS client.",
        "Set a region, and write AWS_ENDPOINT_URL as http://host:port or leave it out.",
    ),
    "REAL_CREDENTIALS_ON_LAB_ENDPOINT": Code(
        "The endpoint is a lab, and the credentials are not the lab's. No request was sent.",
        "Run it with `python -m lab run --`, which sets the access key id lab-not-a-real-key, or unset "
        "AWS_ENDPOINT_URL to reach AWS.",
    ),
    "LAB_CREDENTIALS_ON_REAL_ENDPOINT": Code(
        "The credentials are the lab's, and the endpoint is not a lab. No request was sent.",
        "Set AWS_ENDPOINT_URL to the lab (`python -m lab run --` does), or take your own credentials.",
    ),
    "LOOPBACK_VPC_ON_REAL_ENDPOINT": Code(
        "The VPC is on 127.0.0.0/8, which only a lab can use. No request was sent.",
        "Set cluster_vpc_ipv4_cidr to a network such as 10.10.0.0/16, or run it with `python -m lab run --`.",
    ),
}

HOME: Mapping[str, Code] = {
    "IPV6_EMPTY": Code("No network was given.", _HOME_ADDRESS),
    "IPV6_SEVERAL": Code(
        "The text is more than one network.",
        "Give one network and run it again for the next one.",
    ),
    "IPV6_ZONE": Code("The address has a zone after its %, which only its own machine knows.", _HOME_ADDRESS),
    "IPV4_NOT_ALLOWED": Code("The address is IPv4, and nodes have no IPv4 that home could reach.", _HOME_ADDRESS),
    "IPV6_INVALID": Code(
        "The text is neither an IPv6 address nor an IPv6 network.",
        "Write an address such as 2001:db8:1:2::5 or a network such as 2001:db8:1:2::/64.",
    ),
    "IPV6_EVERYWHERE": Code("The network is the whole Internet.", _HOME_ADDRESS),
    "IPV6_UNSPECIFIED": Code("The address is the unspecified one.", _HOME_ADDRESS),
    "IPV6_LOOPBACK": Code("The address is the loopback address of every machine.", _HOME_ADDRESS),
    "IPV6_MAPS_IPV4": Code("The address is an IPv4 address in the form of IPv6.", _HOME_ADDRESS),
    "IPV6_LINK_LOCAL": Code("The address is link-local, so it never leaves its network segment.", _HOME_ADDRESS),
    "IPV6_SITE_LOCAL": Code("The address is site-local, which is obsolete and never leaves a site.", _HOME_ADDRESS),
    "IPV6_UNIQUE_LOCAL": Code("The address is unique-local, so it never reaches the Internet.", _HOME_ADDRESS),
    "IPV6_MULTICAST": Code("The address is multicast, so nothing is ever sent from it.", _HOME_ADDRESS),
    "IPV6_RESERVED": Code("The address is reserved for a protocol, so it cannot be that of a home.", _HOME_ADDRESS),
    "IPV6_DOCUMENTATION": Code(
        "The network is for documentation: an example that was not replaced. A plan only notes it.", _HOME_ADDRESS
    ),
    "IPV6_TOO_WIDE": Code("The network is wider than a home network.", _HOME_ADDRESS),
    "IPV6_NOT_GLOBAL": Code("The address is not a global unicast address.", _HOME_ADDRESS),
    "IPV6_HOST_BITS": Code(
        "The network has bits set behind its prefix.",
        "Write the network without them, or the one address without a prefix.",
    ),
    "EXPIRES_INVALID": Code("The end is neither a duration nor a time.", _EXPIRES),
    "EXPIRES_WITHOUT_ZONE": Code(
        "The end does not say in which time zone it is.",
        f"Put Z (UTC) or an offset such as +01:00 behind it. {_EXPIRES}",
    ),
    "EXPIRES_PAST": Code("The end has passed already.", _EXPIRES),
    "EXPIRES_TOO_LATE": Code(
        "The end is later than home access may be open.",
        "Choose an earlier end and open it again then.",
    ),
    "EXPIRES_TOO_SOON": Code("The end is too soon for home access to be used.", "Choose a later end."),
}

AUDIT: Mapping[str, Code] = {
    "RULE_OPEN_TO_EVERYBODY": Code(
        "A rule that is not described lets the whole Internet in.",
        "Run `aws ec2 revoke-security-group-ingress` for it.",
        (CRITICAL,),
    ),
    "RULE_NOT_ALLOWED": Code(
        "A rule of a security group is not described. It is medium if it is for outgoing traffic.",
        "Run `aws ec2 revoke-security-group-ingress` or `-egress` for it, or describe it in the variables.",
        (HIGH, MEDIUM),
    ),
    "HOME_ACCESS_EXPIRED": Code("Home access has expired and is still open.", _HOME_ACCESS, (HIGH,)),
    "HOME_ACCESS_NOT_EXACT": Code(
        "A rule has the tags of home access and is not what home access opens. "
        "It is critical if it is open to everybody.",
        _HOME_ACCESS,
        (HIGH, CRITICAL),
    ),
    "GROUP_NOT_DESCRIBED": Code(
        "The cluster's VPC has a security group that is not described.",
        "Run `aws ec2 delete-security-group` if nothing needs it.",
        (LOW,),
    ),
    "VPC_TWICE": Code(
        "Several VPCs have the tags of the cluster.",
        "Find out which one the nodes are in, and delete the other one, or take the tags of the cluster from it.",
        (MEDIUM,),
    ),
    "VPC_NETWORK_NOT_DESCRIBED": Code(
        "The VPC has a network that is not described.",
        "Run `aws ec2 disassociate-vpc-cidr-block` for it, after what uses it has gone.",
        (MEDIUM,),
    ),
    "DHCP_NOT_DESCRIBED": Code(
        "The VPC has DHCP options of others: machines ask other servers for names or for the time, or complete names "
        "with another domain. It is high for the servers of names, which decide where connections go.",
        "Run playbooks/site.yml, which associates the described DHCP options; machines take them within hours, or at "
        "their next start.",
        (HIGH, MEDIUM),
    ),
    "NETWORK_ACL_NOT_DEFAULT": Code(
        "A subnet of the cluster uses another network ACL than the VPC's default one.",
        "Run `aws ec2 replace-network-acl-association` with the default one, or describe why it is there.",
        (LOW,),
    ),
    "NETWORK_ACL_CHANGED": Code(
        "A network ACL has an entry that is not described.",
        "Run `aws ec2 delete-network-acl-entry` for it.",
        (LOW,),
    ),
    "ROUTE_NOT_ALLOWED": Code(
        "A route is not described.",
        "Run `aws ec2 delete-route` for it, or allow it with access_audit_allowed.",
        (MEDIUM,),
    ),
    "ROUTE_TABLE_NOT_DESCRIBED": Code(
        "A subnet of the cluster, or its gateway, uses a route table that is not described.",
        "Run playbooks/site.yml, which associates the described route table with the subnet. Take it from a gateway "
        "with `aws ec2 disassociate-route-table`.",
        (MEDIUM,),
    ),
    "SUBNET_NOT_DESCRIBED": Code(
        "The cluster's VPC has a subnet that is not described.",
        "Run `aws ec2 delete-subnet` if nothing needs it.",
        (MEDIUM,),
    ),
    "SUBNET_GIVES_PUBLIC_IPV4": Code(
        "Every new machine in the subnet gets a public IPv4 address.",
        "Run `aws ec2 modify-subnet-attribute` with `--no-map-public-ip-on-launch`.",
        (HIGH,),
    ),
    "SUBNET_GIVES_IPV6": Code(
        "Every new machine in the subnet gets an IPv6 address, which the Internet can name.",
        "Run `aws ec2 modify-subnet-attribute` with `--no-assign-ipv6-address-on-creation`.",
        (LOW,),
    ),
    "PUBLIC_IPV4": Code(
        "A network interface has a public IPv4 address that is not described.",
        "Run `aws ec2 disassociate-address`, or replace the machine if the address came with its launch.",
        (CRITICAL,),
    ),
    "INTERFACE_NOT_DESCRIBED": Code(
        "The cluster's VPC has a network interface that is not described.",
        "Run `aws ec2 delete-network-interface` if nothing needs it.",
        (MEDIUM,),
    ),
    "INTERFACE_IN_FOREIGN_GROUP": Code(
        "A network interface is in a security group that is not described for it.",
        "Run `aws ec2 modify-network-interface-attribute` with the described groups.",
        (HIGH,),
    ),
    "INTERFACE_HAS_MORE_ADDRESSES": Code(
        "A network interface has addresses that are not described.",
        "Run `aws ec2 unassign-private-ip-addresses` or `unassign-ipv6-addresses` unless you know what needs them.",
        (MEDIUM,),
    ),
    "INTERFACE_ACROSS_VPCS": Code(
        "A machine has network interfaces in the cluster's VPC and in another one, so it joins both.",
        "Run `aws ec2 detach-network-interface` for the one that is not described.",
        (HIGH, CRITICAL),
    ),
    "SOURCE_DEST_CHECK_OFF": Code(
        "A node can send and take packets that are not its own: its source/destination check is off.",
        _SITE,
        (MEDIUM,),
    ),
    "VPC_ENDPOINT_NOT_DESCRIBED": Code(
        "An endpoint connects the VPC with a service, and is not described.",
        "Run `aws ec2 delete-vpc-endpoints` if nothing needs it, and delete its routes.",
        (MEDIUM,),
    ),
    "VPC_PEERING_NOT_DESCRIBED": Code(
        "A peering connects the VPC with another one, and is not described.",
        "Run `aws ec2 delete-vpc-peering-connection` if nothing needs it, and delete its routes.",
        (HIGH,),
    ),
    "VPN_GATEWAY_NOT_DESCRIBED": Code(
        "A VPN gateway connects the VPC with another network, and is not described.",
        "Run `aws ec2 detach-vpn-gateway` if nothing needs it, and delete its routes.",
        (HIGH,),
    ),
    "ADDRESS_UNUSED": Code(
        "An Elastic IP belongs to the cluster and to no machine of it.",
        "Run `aws ec2 release-address`; it costs money around the clock.",
        (LOW,),
    ),
    "INSTANCE_NOT_DESCRIBED": Code(
        "The cluster's VPC has an instance that is not described, or two with one name.",
        "Run `aws ec2 terminate-instances` if nothing needs it.",
        (MEDIUM,),
    ),
    "INSTANCE_PROFILE_NOT_DESCRIBED": Code(
        "A machine has an instance profile that is not the one described for it.",
        "Run `aws ec2 replace-iam-instance-profile-association` with the described profile.",
        (HIGH,),
    ),
    "TEMPLATE_GIVES_PUBLIC_IPV4": Code(
        "Machines made from a launch template get a public IPv4 address.",
        "Run playbooks/site.yml to make a version as described, or delete this version.",
        (HIGH,),
    ),
    "TEMPLATE_DISK_NOT_ENCRYPTED": Code(
        "Machines made from a launch template get unencrypted disks.",
        "Run playbooks/site.yml to make a version as described, or delete this version.",
        (HIGH,),
    ),
    "TEMPLATE_NOT_AS_DESCRIBED": Code(
        "Machines are or will be made from a version of the bastion's launch template with another image, key pair, "
        "network interface or user-data than described.",
        "Run playbooks/site.yml, which makes a version as described, and end the machine that runs.",
        (HIGH,),
    ),
    "PROFILE_USED_ELSEWHERE": Code(
        "A machine outside the cluster's VPC has an instance profile of the cluster.",
        "Run `aws ec2 disassociate-iam-instance-profile` for it, or end the machine if nothing needs it.",
        (HIGH,),
    ),
    "IMDS_V1": Code(
        "IMDSv1 answers, so any request that a process can be tricked into reads the role's credentials.",
        "Run `aws ec2 modify-instance-metadata-options` with `--http-tokens required`.",
        (HIGH,),
    ),
    "IMDS_HOP_LIMIT": Code(
        "The metadata service answers over several hops, so pods reach the node's credentials.",
        "Run `aws ec2 modify-instance-metadata-options` with `--http-put-response-hop-limit 1`.",
        (MEDIUM,),
    ),
    "USER_DATA_SECRET": Code(
        "The user-data of a machine or of a launch template's version holds a secret.",
        "Treat the secret as known: change it where it is used, then make the machine anew without it.",
        (CRITICAL,),
    ),
    "TEXT_SECRET": Code(
        "A tag or a description of a resource holds a secret.",
        "Treat the secret as known: change it where it is used, then remove the tag (`aws ec2 delete-tags`) or make "
        "the resource anew without it.",
        (CRITICAL,),
    ),
    "SCALING_TEMPLATE_NOT_DESCRIBED": Code(
        "The bastion's Auto Scaling group makes its machines from a launch template that is not described.",
        "Run playbooks/site.yml, which sets the described launch template.",
        (HIGH,),
    ),
    "SCALING_VERSION_LOST": Code(
        "The bastion's Auto Scaling group makes its machines from a version that does not exist.",
        "Run playbooks/site.yml, which sets the described version.",
        (MEDIUM,),
    ),
    "SCALING_SIZE_NOT_DESCRIBED": Code(
        "The bastion's Auto Scaling group may have more machines than the one that is described.",
        "Run playbooks/site.yml, which sets the described limits.",
        (MEDIUM,),
    ),
    "SCALING_SCHEDULE_NOT_DESCRIBED": Code(
        "A scheduled action of the bastion's Auto Scaling group is not described.",
        "Run `aws autoscaling delete-scheduled-action` for it unless you know what needs it.",
        (MEDIUM,),
    ),
    "SCALING_SUSPENDED": Code(
        "Processes of the bastion's Auto Scaling group are suspended: it may not end or replace the bastion.",
        "Run `aws autoscaling resume-processes` for it.",
        (LOW,),
    ),
    "VOLUME_NOT_DESCRIBED": Code(
        "A machine of the cluster has a volume without the cluster's tags.",
        "Run `aws ec2 detach-volume` for it unless you know what needs it.",
        (MEDIUM,),
    ),
    "VOLUME_NOT_ENCRYPTED": Code(
        "A volume of the cluster is not encrypted.",
        "A volume cannot be encrypted in place: remove the node and run playbooks/site.yml to make it anew.",
        (HIGH,),
    ),
    "SNAPSHOT_PUBLIC": Code(
        "Every account of AWS can read a snapshot of the cluster's disks.",
        "Run `aws ec2 reset-snapshot-attribute`, and change every secret that the disk held.",
        (CRITICAL,),
    ),
    "SNAPSHOT_SHARED": Code(
        "Other accounts can read a snapshot of the cluster's disks.",
        "Run `aws ec2 reset-snapshot-attribute`.",
        (HIGH,),
    ),
    "SNAPSHOT_NOT_ENCRYPTED": Code(
        "A snapshot or an image holds the cluster's disk without encryption.",
        "Run `aws ec2 delete-snapshot`, or keep an encrypted copy instead.",
        (MEDIUM,),
    ),
    "IMAGE_PUBLIC": Code(
        "Every account of AWS can read an image (AMI) of the cluster's disks.",
        "Run `aws ec2 reset-image-attribute`, and change every secret that the disk held.",
        (CRITICAL,),
    ),
    "IMAGE_SHARED": Code(
        "Other accounts can read an image (AMI) of the cluster's disks.",
        "Run `aws ec2 reset-image-attribute`.",
        (HIGH,),
    ),
    "DOCUMENT_PUBLIC": Code(
        "Every account of AWS can read and run an SSM document of the cluster.",
        "Run `aws ssm modify-document-permission` for it.",
        (HIGH,),
    ),
    "DOCUMENT_SHARED": Code(
        "Other accounts can read and run an SSM document of the cluster.",
        "Run `aws ssm modify-document-permission` for it.",
        (MEDIUM,),
    ),
    "PROFILE_ROLE_NOT_DESCRIBED": Code(
        "An instance profile holds another role than the described one. "
        "It is critical if that role has managed policies or allows every action of a service.",
        "Run `aws iam remove-role-from-instance-profile`, then playbooks/site.yml, which adds the described one.",
        (HIGH, CRITICAL),
    ),
    "ROLE_IN_OTHER_PROFILE": Code(
        "A role of the cluster is in another instance profile as well, so machines of others can have it.",
        "Run `aws iam remove-role-from-instance-profile` for it.",
        (HIGH,),
    ),
    "IAM_POLICY_ATTACHED": Code(
        "A managed policy that is not described is attached to a role. It is critical for AdministratorAccess.",
        "Run `aws iam detach-role-policy` for it.",
        (HIGH, CRITICAL),
    ),
    "IAM_TRUST_NOT_ALLOWED": Code(
        "Others than described may take the role, or under other conditions.",
        "Run playbooks/site.yml, which sets the described policies.",
        (HIGH,),
    ),
    "IAM_WILDCARD": Code(
        "A statement of a role allows every action of a service, or all but a few.",
        "Run playbooks/site.yml, which sets the described policies, or `aws iam delete-role-policy`.",
        (CRITICAL,),
    ),
    "IAM_STATEMENT_NOT_ALLOWED": Code(
        "A statement of a role is not described.",
        "Run playbooks/site.yml, which sets the described policies, or `aws iam delete-role-policy`.",
        (HIGH,),
    ),
}

IMAGES: Mapping[str, Code] = {
    "IMAGE_NOT_NAMED": Code(
        "A node has a role for which cluster_images names no image.",
        "Name it in cluster_images.",
    ),
    "IMAGE_INVALID_REFERENCE": Code(
        "A text is not a reference to an image.",
        "Write REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:DIGEST.",
    ),
    "IMAGE_NOT_FOUND": Code(
        "The registry does not have the image.",
        "Check the name, and whether the image was pushed and is still kept.",
    ),
    "IMAGE_NOT_AUTHORISED": Code(
        "The registry refuses to show the image: it is private or does not exist.",
        "Check the name. If it is right, log in with `docker login`, or make the image public.",
    ),
    "IMAGE_NO_SUCH_PLATFORM": Code(
        "The image is not built for the platform.",
        "Build and push it for the platform.",
    ),
    "IMAGE_BAD_DIGEST": Code(
        "What the registry serves does not have the digest that was asked for.",
        "The registry or a proxy returned corrupt data: do not use it.",
    ),
    "IMAGE_UNREACHABLE": Code(
        "The image's registry does not answer, or answers with errors.",
        "Check that this machine can reach it: its name, the route to it, and a proxy if there is one.",
    ),
    "IMAGE_RATE_LIMITED": Code(
        "The registry is rate-limiting this machine.",
        "Try again later, or log in, which raises its limits.",
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
        "Use a machine of an architecture that the message names.",
    ),
    "SECURE_BOOT": Code(
        "Secure Boot is on, and the firmware would refuse Talos.",
        "Turn it off; on EC2 choose an AMI without UEFI keys.",
    ),
    "KERNEL_LOCKDOWN": Code(
        "The kernel is locked down and may not let boot-to-talos write the disk.",
        "Boot it with lockdown=none if it fails.",
        (WARNING,),
    ),
    "LOOP_DEVICE_MISSING": Code("The kernel has no loop device that can be used.", _KERNEL),
    "SYSRQ_MISSING": Code(
        "There is no /proc/sysrq-trigger, by which boot-to-talos stops writing to the disk and reboots.",
        "Boot a kernel with CONFIG_MAGIC_SYSRQ; a container has none.",
    ),
    "BOOT_TO_TALOS_TOO_OLD": Code(
        "The release of boot-to-talos does not work on this machine.",
        "Set version to a newer release.",
    ),
    "DISK_UNUSABLE": Code(
        "The disk does not exist, cannot be distinguished from others, or cannot be written.",
        "Name the disk with the option disk; lsblk lists what there is.",
    ),
    "DISK_TOO_SMALL": Code(
        "The disk is smaller than the image.",
        "Give the machine a root volume of at least the image's size.",
    ),
    "IMAGE_INDEX": Code(
        "The image is an index, from which boot-to-talos takes linux/amd64 on every machine.",
        "Name the digest of the manifest for the architecture: urmanac.talos.oci_image_info returns it.",
    ),
    "IMAGE_NO_INSTALLER": Code(
        "The image is not a Talos installer.",
        "Name an installer image, such as the ones that Talos' imager makes with the kind installer.",
    ),
    "IMAGE_DAMAGED": Code("The image or a layer of it cannot be unpacked.", _CACHE),
    "IMAGE_ISO": Code(
        "An ISO image cannot be installed.",
        "Name an installer image, or a disk image that ends in .raw.xz.",
    ),
    "IMAGE_DOWNLOAD": Code("The disk image could not be fetched.", _CACHE),
    "REGISTRY_PLAIN_HTTP": Code(
        "The registry speaks plain http at an address for which boot-to-talos uses https.",
        "Name it by a private IPv4 address.",
    ),
    "MEMORY_TOO_SMALL": Code("The machine has too little memory to unpack the image.", _NO_MEMORY),
    "KERNEL_ARGUMENTS": Code(
        "Kernel arguments that were given will not reach Talos.",
        "Put addresses into Talos' configuration (LinkConfig), as the role talos does.",
        (WARNING,),
    ),
    "INSTALLER_FAILED": Code("Talos' installer failed.", "Read the lines before it, which have the reason."),
    "MOUNT_FAILED": Code("boot-to-talos may not mount or write what it needs.", _KERNEL),
    "INSTALL_ABORTED": Code("boot-to-talos ended because one of its questions got a wrong answer.", _LOOK),
    "OPTION_UNKNOWN": Code(
        "This release of boot-to-talos does not take these options.", "Take release 0.7.1 or newer."
    ),
    "KEXEC_FAILED": Code(
        "The kernel refuses kexec, or the image has no kernel.",
        "Let the collection install instead: never use -yes.",
    ),
    "PROGRAM_CRASHED": Code("boot-to-talos crashed.", "Run it again."),
    "PROGRAM_UNUSABLE": Code("boot-to-talos is for another architecture.", _LOOK),
    "BOOT_FAILED": Code("boot-to-talos failed for an unknown reason.", "Read the lines before it."),
}

TALOS: Mapping[str, Code] = {
    "UNKNOWN_CONTRACT": Code(
        "The collection cannot write configurations for that release of Talos.",
        "Use a contract that the message names, or leave cluster_talos_contract empty.",
    ),
    "TALOS_VERSIONS_DIFFER": Code(
        "The images hold different minor versions of Talos.",
        "Name images of one minor version in cluster_images.",
    ),
    "TALOS_TOO_OLD": Code(
        "An image holds a Talos that is older than the oldest supported one.",
        "Name an image of a later version.",
    ),
    "CONTRACT_NEWER_THAN_TALOS": Code(
        "An image holds a Talos that refuses configurations of the contract.",
        "Leave cluster_talos_contract empty, set it to an older one, or name later images.",
    ),
    "CONFIG_KIND_MISSING": Code(
        "A document of a machine configuration does not say what kind it is.",
        "Add kind and apiVersion; most documents have apiVersion: v1alpha1.",
    ),
    "CONFIG_KIND_UNKNOWN": Code(
        "The version of Talos does not know the kind of a document.",
        "Correct the kind, remove the document, or use a version that knows it.",
    ),
    "CONFIG_FIELD_UNKNOWN": Code(
        "The version of Talos has no such field.",
        "Correct the name of the field or remove it.",
    ),
    "CONFIG_VALUE_WRONG": Code("A value has another type or form than its field.", "Correct the value."),
    "CONFIG_DOCUMENT_TWICE": Code("A document is in the configuration twice.", "Merge the two into one."),
    "CONFIG_INVALID": Code(
        "Talos would refuse the configuration, because a value cannot be or does not fit to another one.",
        "Correct the value that the message names.",
    ),
    "TAILSCALE_NO_GATEWAY": Code(
        "No node has the role gateway, and Tailscale runs on the gateway only.",
        "Give one node in cluster_nodes the role gateway, or set cluster_tailscale_enabled to false.",
    ),
    "TAILSCALE_SECOND_GATEWAY": Code(
        "Several nodes have the role gateway; two routers for the same networks take turns failing.",
        "Leave the role gateway to one node in cluster_nodes.",
    ),
    "TAILSCALE_NO_KEY": Code("No auth key for Tailscale is given.", _NEW_KEY),
    "TAILSCALE_NOT_AN_AUTH_KEY": Code("What is given is not an auth key of Tailscale.", _NEW_KEY),
    "TAILSCALE_ROUTE": Code(
        "A route for Tailscale is not a network.",
        "Write networks with a prefix and no host bits, such as 10.10.0.0/24.",
    ),
    "TAILSCALE_HOSTNAME": Code(
        "The name of the gateway in the tailnet is not a host name.",
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
        "The extension has logged no login so far.",
        "Check that the node reaches the internet.",
        (WARNING,),
    ),
    "TAILSCALE_LOGIN_REFUSED": Code("Tailscale refused the login of the gateway.", _NEW_KEY),
}

# An error keeps the installation from completing. Meanings without a full stop stand in messages too.
COZYSTACK: Mapping[str, Code] = {
    "ARCH_UNSUPPORTED_IMAGES": Code(
        "Images are not built for the nodes' architecture.",
        "Build them for it and name them: cluster_cozystack_operator_image, cluster_cozystack_platform_source_url and "
        "_ref.",
    ),
    "INSUFFICIENT_MEMORY": Code("No node has enough memory left for some pods.", _LARGER),
    "MEMORY_WILL_RUN_OUT": Code(
        "All pods find a node by their requests, and then use more memory than there is.",
        _LARGER,
    ),
    "INSUFFICIENT_CPU": Code("No node has enough processor time left for some pods.", _LARGER),
    "INSUFFICIENT_PODS": Code(
        "There are more pods than the nodes' kubelets take.",
        "Raise maxPods of the kubelets, or take more nodes.",
    ),
    "INSUFFICIENT_DISK": Code("A disk is too small, or almost full.", "Take larger volumes (cluster_volume_size)."),
    "NOT_ENOUGH_NODES": Code(
        "Some pods must not share a node, and there are fewer nodes than such pods.",
        "Take more nodes (cluster_nodes).",
    ),
    "NO_SCHEDULABLE_NODE": Code(
        "No node may run some pods, because of taints or labels.",
        "Compare the nodes' taints and labels with what the pod asks for.",
    ),
    "KVM_MISSING": Code(
        "virtual machines cannot start: no node has /dev/kvm",
        "Take a metal instance type for the nodes that are to run virtual machines, or the profile novirt.",
        (WARNING,),
    ),
    "DATA_DISK_MISSING": Code(
        "no second disk for LINSTOR, so no volume can be made",
        "Give every node a second disk: cluster_data_volume_size, or cluster_cozystack_data_disk for one that it has.",
        (WARNING,),
    ),
    "IMAGES_UNCHECKED": Code(
        "The registry could not be asked for which architecture some of CozyStack's images are built.",
        "For these the forecast takes what cluster_cozystack_images_arm64 says. Run it from a machine that reaches the "
        "registry, or name a cache of it in cluster_images_mirrors.",
        (WARNING,),
    ),
    "VERSION_WITHOUT_DATA": Code(
        "The collection has no data of this version of CozyStack.",
        "Expect the forecast and the profiles to be wrong in parts, or take a version that has data.",
        (WARNING,),
    ),
    "PACKAGES_NOT_CLOSED": Code(
        "Packages wait for packages that were disabled.",
        "Enable them, or disable what needs them as well: the profiles close under dependencies.",
    ),
    "BELOW_DOCUMENTED_USE": Code(
        "A node is smaller than what CozyStack's documentation says is in use on every node.",
        "Expect containers to be killed for lack of memory, or take nodes that have as much.",
        (WARNING,),
    ),
    "SIZE_UNKNOWN": Code(
        "The size of an instance type is not known.",
        "Give credentials with which EC2 can be asked, or the size as an option.",
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
        "Look at it with urmanac.talos.talos_info. It may have run out of memory.",
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
        "Check cluster_cozystack_platform_source_url and _ref, and whether nodes reach it.",
    ),
    "PACKAGE_NOT_READY": Code(
        "A package is not ready.",
        "Look at it: kubectl describe package {name}.",
    ),
    "RELEASE_NOT_READY": Code(
        "A release is not ready although everything that it depends on is.",
        "Look at it: kubectl --namespace {namespace} describe helmrelease {name}, and at its pods.",
    ),
    "IMAGE_PULL_FAILED": Code(
        "An image cannot be pulled.",
        "Check the image's name, the registry and the bastion's cache of it.",
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
    "POD_EVICTED": Code(
        "A node has removed a pod because memory or disk ran out, or for a more important pod.",
        "Take a larger instance type or more nodes for memory, larger volumes (cluster_volume_size) for "
        "ephemeral-storage.",
        (WARNING, ERROR),
    ),
    "POD_REJECTED": Code(
        "A node refuses a pod that was assigned to it.",
        "Compare what the pod asks for with what the node still has; its controller makes another pod.",
        (WARNING, ERROR),
    ),
    "CONTAINER_CRASHES": Code(
        "A container ends again and again.",
        "Fix what its last lines name. The whole log: kubectl --namespace NAMESPACE logs POD --previous.",
        (WARNING, ERROR),
    ),
    "CONTAINER_CONFIG_MISSING": Code(
        "A container waits for a Secret, a ConfigMap or a key that does not exist.",
        "Find the release that makes it, which may not be ready yet. If no release makes it, create it.",
        (WARNING, ERROR),
    ),
    "CONTAINER_NOT_CREATED": Code(
        "The container runtime cannot create or start a container.",
        "Correct what the message names: the command, a mount, a device, or a name that an older container still has.",
        (WARNING, ERROR),
    ),
    "VOLUME_NOT_MOUNTED": Code(
        "A volume of a pod cannot be attached or mounted.",
        "Create what the message names, or look at the driver of the volume (LINSTOR's pods in cozy-linstor).",
        (WARNING, ERROR),
    ),
    "POD_SANDBOX_FAILED": Code(
        "The node cannot set up the network or the sandbox of a pod.",
        "Look at the pods of the container network on that node (cozy-cilium, cozy-kubeovn, cozy-multus) first.",
        (WARNING, ERROR),
    ),
    "RUNTIME_MISSING": Code(
        "The node's containerd, or the cluster, does not have the runtime that a pod names.",
        "Give the nodes images with the extension (cluster_images; spin for WASM), and make the RuntimeClass.",
        (WARNING, ERROR),
    ),
    "PROBE_FAILED": Code(
        "A container runs and does not answer its probe.",
        "Read its log, and check that what it needs answers. On a busy node it may only be slow: take a larger one.",
        (WARNING, ERROR),
    ),
    "POD_SECURITY_REFUSED": Code(
        "The Pod Security level of a namespace does not allow a pod.",
        "Label it: kubectl label --overwrite namespace NAMESPACE pod-security.kubernetes.io/enforce=privileged.",
        (WARNING, ERROR),
    ),
    "POD_REFUSED": Code(
        "The API server refuses to make a pod.",
        "Correct what the message names, such as a ServiceAccount that does not exist yet.",
        (WARNING, ERROR),
    ),
    "JOB_FAILED": Code(
        "A Job that a release waits for, such as a hook of its chart, has failed.",
        "Read the log of the Job's pod, fix what it names, and let Flux try again: flux reconcile helmrelease --force.",
        (ERROR, WARNING),
    ),
    "LOAD_BALANCER_PENDING": Code(
        "A Service of type LoadBalancer that a release waits for has no address.",
        "Set cozystack_external_ips, or configure an address pool for MetalLB; EC2 assigns no address by itself.",
        (ERROR, WARNING),
    ),
    "KIND_MISSING": Code(
        "A chart contains a kind of object that the cluster does not know.",
        "Check whether the release with its CustomResourceDefinition is disabled or not ready; Flux tries again.",
        (ERROR, WARNING),
    ),
    "RELEASE_LOCKED": Code(
        "An earlier installation of the release was interrupted, and Helm keeps it locked.",
        "Delete the newest Secret sh.helm.release.v1.NAME.vN of the release that is pending; Flux then tries again.",
        (ERROR, WARNING),
    ),
    "VALUES_REFUSED": Code(
        "A chart cannot be rendered with its values.",
        "Correct the values (cluster_cozystack_values) that the message names.",
        (ERROR, WARNING),
    ),
    "API_OVERLOADED": Code(
        "The Kubernetes API or etcd does not answer Flux in time.",
        "Look at memory and CPU credits of the control planes; " + _LARGER[0].lower() + _LARGER[1:],
        (ERROR, WARNING),
    ),
    "VOLUME_PENDING": Code(
        "Nothing provides a volume that a pod waits for.",
        "Make a StorageClass and a pool for LINSTOR (cluster_cozystack_data_disk).",
        (WARNING,),
    ),
    "WEBHOOK_REFUSED": Code(
        "A webhook refuses, or cannot be reached.",
        "Look at the webhook's own pod, and at network policies in its way. Flux tries again.",
        (ERROR, WARNING),
    ),
    "QUOTA_EXCEEDED": Code(
        "A quota is used up.",
        "Raise the namespace's ResourceQuota, or remove what uses it up.",
        (ERROR, WARNING),
    ),
    "NAME_CLASH": Code(
        "An object of the same name was made by another tool.",
        "Remove the other object (for example another CNI), or let Helm adopt it by its annotations.",
        (ERROR, WARNING),
    ),
}

AREAS: Mapping[str, Mapping[str, Code]] = {
    "Variables": VARIABLES,
    "The cluster's description": DESCRIPTION,
    "The bastion and the way to it": BASTION,
    "The AWS account": ACCOUNT,
    "Calls of AWS": AWS,
    "Home access": HOME,
    "The audit": AUDIT,
    "Images in registries": IMAGES,
    "Turning a Linux into Talos": BOOT,
    "Talos": TALOS,
    "CozyStack": COZYSTACK,
}
CODES: Mapping[str, Code] = {name: code for area in AREAS.values() for name, code in area.items()}
