internal import Glibc

/// The environment, which no lock protects: changed at start only, before there are threads.
extension System {
    /// The environment, as `NAME=value`, whatever the encoding.
    static var environment: [[UInt8]] {
        var entries: [[UInt8]] = []
        // SAFETY: ends with nil; strings that end with zero. Nothing may change the environment while it is read, which
        // is a promise every program with threads has to keep.
        // Null after clearenv(3).
        guard
            var entry = unsafe UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>(
                bitPattern: UInt(bitPattern: environ))
        else { return entries }
        while let text = unsafe entry.pointee {
            unsafe entries.append(Array(UnsafeRawBufferPointer(start: text, count: strlen(text))))
            unsafe entry += 1
        }
        return entries
    }

    static func environmentVariable(_ name: String) -> String? {
        // SAFETY: the value is copied before anything else can change the environment, as the callers promise.
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    static func unsetEnvironmentVariable(_ name: String) {
        // SAFETY: as above; the call only reads the name.
        _ = unsafe unsetenv(name)
    }
}
