//! The system calls that a program in the sandbox is refused, as a filter for the kernel.
//!
//! Namespaces hide what is not to be seen; this narrows the kernel that could be attacked: no
//! debugging, no new namespaces and mounts, no sockets but local ones, no rings, no keys, no modules.

/// A processor's numbers.
struct Calls {
    /// As the kernel's audit names the processor.
    processor: u32,
    refused: &'static [u32],
    clone: u32,
    socket: u32,
}

/// Numbers that are the same on both.
const SAME: &[u32] = &[
    425, 426, 427, // io_uring
    428, 429, 430, 431, 432, 433, 442, // mounts by descriptors
    438, // pidfd_getfd
];

#[cfg(target_arch = "x86_64")]
const CALLS: Option<Calls> = Some(Calls {
    processor: 0xC000_003E,
    refused: &[
        101, 310, 311, 312, // ptrace, process_vm_readv and _writev, kcmp
        248, 249, 250, // add_key, request_key, keyctl
        321, 298, 323, // bpf, perf_event_open, userfaultfd
        272, 308, 155, 161, 165, 166, // unshare, setns, pivot_root, chroot, mount, umount2
        175, 313, 176, 246, 320, // init_module, finit_module, delete_module, kexec
        303, 304, // name_to_handle_at, open_by_handle_at
        103, 163, 167, 168, 169, 179, // syslog, acct, swapon, swapoff, reboot, quotactl
    ],
    clone: 56,
    socket: 41,
});

#[cfg(target_arch = "aarch64")]
const CALLS: Option<Calls> = Some(Calls {
    processor: 0xC000_00B7,
    refused: &[
        117, 270, 271, 272, // ptrace, process_vm_readv and _writev, kcmp
        217, 218, 219, // add_key, request_key, keyctl
        280, 241, 282, // bpf, perf_event_open, userfaultfd
        97, 268, 41, 51, 40, 39, // unshare, setns, pivot_root, chroot, mount, umount2
        105, 273, 106, 104, 294, // init_module, finit_module, delete_module, kexec
        264, 265, // name_to_handle_at, open_by_handle_at
        116, 89, 224, 225, 142, 60, // syslog, acct, swapon, swapoff, reboot, quotactl
    ],
    clone: 220,
    socket: 198,
});

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const CALLS: Option<Calls> = None;

/// `clone3` hides its flags from filters; without it, programs use `clone`.
const CLONE3: u32 = 435;
const NEW_USER: u32 = 0x1000_0000;
const LOCAL: u32 = 1;

// Instructions of the kernel's filters.
const LOAD: u16 = 0x20;
const IF_EQUAL: u16 = 0x15;
const IF_LEAST: u16 = 0x35;
const IF_BITS: u16 = 0x45;
const RETURN: u16 = 0x06;

// What they look at.
const NUMBER: u32 = 0;
const PROCESSOR: u32 = 4;
const FIRST_ARGUMENT: u32 = 16;

// What they decide.
const ALLOW: u32 = 0x7FFF_0000;
const KILL: u32 = 0x8000_0000;
const NOT_PERMITTED: u32 = 0x0005_0001;
const NOT_THERE: u32 = 0x0005_0026;

/// The filter in the form that the kernel takes; `None` for a processor whose calls are not listed.
pub(super) fn filter() -> Option<Vec<u8>> {
    let calls = CALLS?;
    // Code, how many to skip if so and if not, operand.
    let mut program: Vec<(u16, u8, u8, u32)> = vec![
        (LOAD, 0, 0, PROCESSOR),
        (IF_EQUAL, 1, 0, calls.processor),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        // Calls of another kind of the same processor begin here.
        (IF_LEAST, 0, 1, 0x4000_0000),
        (RETURN, 0, 0, KILL),
    ];
    for number in calls.refused.iter().chain(SAME) {
        program.extend([(IF_EQUAL, 0, 1, *number), (RETURN, 0, 0, NOT_PERMITTED)]);
    }
    program.extend([
        (IF_EQUAL, 0, 1, CLONE3),
        (RETURN, 0, 0, NOT_THERE),
        (IF_EQUAL, 0, 4, calls.clone),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (IF_BITS, 0, 1, NEW_USER),
        (RETURN, 0, 0, NOT_PERMITTED),
        (RETURN, 0, 0, ALLOW),
        (IF_EQUAL, 0, 3, calls.socket),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        (IF_EQUAL, 1, 0, LOCAL),
        (RETURN, 0, 0, NOT_PERMITTED),
        (RETURN, 0, 0, ALLOW),
    ]);
    let bytes = program.into_iter().flat_map(|(code, yes, no, operand)| {
        let [low, high] = code.to_ne_bytes();
        let [a, b, c, d] = operand.to_ne_bytes();
        [low, high, yes, no, a, b, c, d]
    });
    Some(bytes.collect())
}
