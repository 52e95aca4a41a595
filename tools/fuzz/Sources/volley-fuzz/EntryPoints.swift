import Glibc

/// What libFuzzer calls by these names, which are its own.
///
/// The environment says which target this process runs (`VOLLEY_FUZZ_TARGET`), or that it makes seeds
/// (`VOLLEY_FUZZ_SEEDS`, the folder they go to) out of the files on its command line.
private let target: (any FuzzTarget)? = environment("VOLLEY_FUZZ_TARGET").flatMap { FuzzTargets.named($0) }

/// Called once, before everything else.
@_cdecl("LLVMFuzzerInitialize")
public func initialize(
    _ argumentCount: UnsafePointer<CInt>, _ arguments: UnsafePointer<UnsafePointer<UnsafeMutablePointer<CChar>?>>
) -> CInt {
    if let folder = environment("VOLLEY_FUZZ_SEEDS") {
        SeedMaker(folder: folder).make(from: Array(CommandLine.arguments.dropFirst()))
        exit(0)
    }
    if target == nil {
        let names = FuzzTargets.all.map { type(of: $0).name }
        print("VOLLEY_FUZZ_TARGET has to be one of \(names.joined(separator: ", "))")
        exit(64)
    }
    return 0
}

/// One execution: 0, or -1 for an input that is none of this target's and is not to be kept.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    // SAFETY: libFuzzer gives the address of `count` bytes that stay as long as the call lasts; they are copied, so
    // that AddressSanitizer watches the end of what our readers get.
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    return target?.run(bytes) == true ? 0 : -1
}

/// The value of an environment variable, `nil` unless it is set.
func environment(_ name: String) -> String? {
    // SAFETY: the environment is not changed by this program, and the string is copied at once.
    unsafe getenv(name).map { unsafe String(cString: $0) }
}
