/** Puts something around a method of every instance: it is given the method, and gives what takes its place. */
export function around<Target extends object, Name extends keyof Target>(
  prototype: Target,
  name: Name,
  put: (method: Target[Name]) => Target[Name],
): void {
  prototype[name] = put(prototype[name]);
}
