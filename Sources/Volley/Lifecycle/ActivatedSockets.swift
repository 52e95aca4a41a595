internal import Glibc
internal import SystemPackage

/// Socket activation: the sockets systemd has opened for this process (sd_listen_fds(3)).
///
/// The sockets stay open in the service manager, so a restart of the service loses nothing that waits in them.
public enum ActivatedSockets {
    /// The first descriptor the service manager passes (`SD_LISTEN_FDS_START`).
    public static var firstDescriptor: CInt { 3 }

    /// Takes over the sockets the service manager has passed to this process, in the order of its unit file.
    ///
    /// They are made close-on-exec. Call it once, early, before other threads run: the environment has no lock.
    ///
    /// - Parameter unsetsEnvironment: whether `LISTEN_PID`, `LISTEN_FDS` and `LISTEN_FDNAMES` are removed, on error too,
    ///   so that child processes do not take them for theirs.
    /// - Returns: the sockets; none when the variables are absent or meant for another process.
    /// - Throws: `malformedEnvironment` when a variable is not what the protocol says; `unusableDescriptor` when one that
    ///   was announced is not a socket. Every announced descriptor is closed then.
    public static func take(unsetsEnvironment: Bool = true) throws(LifecycleError) -> [InheritedSocket] {
        let names = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]
        var environment: [String: String] = [:]
        for name in names { environment[name] = System.environmentVariable(name) }
        if unsetsEnvironment { for name in names { System.unsetEnvironmentVariable(name) } }
        return try take(from: environment, process: getpid(), firstDescriptor: firstDescriptor)
    }

    /// The protocol, with everything it depends on as a parameter.
    static func take(
        from environment: [String: String], process: CInt, firstDescriptor: CInt
    ) throws(LifecycleError) -> [InheritedSocket] {
        guard let meant = environment["LISTEN_PID"], let announced = environment["LISTEN_FDS"] else { return [] }
        guard let meant = CInt(decimal: meant), meant > 0 else {
            throw LifecycleError(.malformedEnvironment, "LISTEN_PID is \"\(meant)\", which is no process id")
        }
        guard meant == process else { return [] }
        guard let count = CInt(decimal: announced), count > 0, count <= CInt.max - firstDescriptor else {
            throw LifecycleError(
                .malformedEnvironment, "LISTEN_FDS is \"\(announced)\", which is no number of descriptors over 0")
        }
        let names = environment["LISTEN_FDNAMES"]?.split(separator: ":", omittingEmptySubsequences: false)
        if let names, names.count != Int(count) {
            throw LifecycleError(
                .malformedEnvironment, "LISTEN_FDNAMES has \(names.count) names for LISTEN_FDS=\(count) descriptors")
        }
        var sockets: [InheritedSocket] = []
        for index in 0..<count {
            let descriptor = firstDescriptor + index
            do throws(LifecycleError) {
                let name = names.map { String($0[Int(index)]) } ?? "unknown"
                sockets.append(try InheritedSocket(owning: OwnedDescriptor(descriptor), name: name))
            } catch {
                // Up to the last descriptor a process can have: the number is not to be trusted.
                let end = min(firstDescriptor + count, getdtablesize())
                for rest in descriptor + 1..<max(end, descriptor + 1) { System.close(rest) }
                throw error
            }
        }
        return sockets
    }
}

extension CInt {
    /// A number of decimal digits only: no sign, no blanks, no overflow.
    fileprivate init?(decimal text: String) {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        self.init(text)
    }
}
