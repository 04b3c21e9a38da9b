// A component that is drawn anew only when one of its properties is another.
import { Component, h, type FunctionComponent } from "preact";

export function memo<P extends object>(draw: FunctionComponent<P>): FunctionComponent<P> {
  class Memo extends Component<P> {
    shouldComponentUpdate(next: Readonly<P>): boolean {
      const now = this.props as Record<string, unknown>;
      const then = next as Record<string, unknown>;
      for (const key of new Set([...Object.keys(now), ...Object.keys(then)])) if (now[key] !== then[key]) return true;
      return false;
    }
    render() {
      return draw(this.props as P & { children?: never });
    }
  }
  return (props) => h(Memo as never, props as never);
}
