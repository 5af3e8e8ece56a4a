/** The colours and sizes of a card in Teams, light and dark, for Microsoft's open renderer. */
export type Theme = "light" | "dark";

type Palette = {
  readonly page: string;
  readonly card: string;
  readonly emphasis: string;
  readonly text: string;
  readonly subtle: string;
  readonly accent: string;
  readonly good: string;
  readonly warning: string;
  readonly attention: string;
  readonly goodBack: string;
  readonly warningBack: string;
  readonly attentionBack: string;
  readonly line: string;
};

const PALETTES: Readonly<Record<Theme, Palette>> = {
  light: {
    page: "#F5F5F5",
    card: "#FFFFFF",
    emphasis: "#F0F0F0",
    text: "#242424",
    subtle: "#616161",
    accent: "#5B5FC7",
    good: "#237B4B",
    warning: "#8A5A00",
    attention: "#C4314B",
    goodBack: "#E7F2DA",
    warningBack: "#FBF6D9",
    attentionBack: "#FCF4F6",
    line: "#E0E0E0",
  },
  dark: {
    page: "#1F1F1F",
    card: "#292929",
    emphasis: "#333333",
    text: "#FFFFFF",
    subtle: "#ADADAD",
    accent: "#7F85F5",
    good: "#92C353",
    warning: "#F8D22A",
    attention: "#F9526B",
    goodBack: "#1C2B16",
    warningBack: "#39300B",
    attentionBack: "#3E1F25",
    line: "#424242",
  },
};

export function hostConfig(theme: Theme): object {
  const p = PALETTES[theme];
  const color = (plain: string) => ({ default: plain, subtle: plain });
  const foregroundColors = {
    default: { default: p.text, subtle: p.subtle },
    dark: color(p.text),
    light: color(p.subtle),
    accent: color(p.accent),
    good: color(p.good),
    warning: color(p.warning),
    attention: color(p.attention),
  };
  const style = (backgroundColor: string) => ({ backgroundColor, foregroundColors });
  return {
    supportsInteractivity: true,
    fontFamily: "'Segoe UI', 'Liberation Sans', 'Noto Sans', 'DejaVu Sans', sans-serif",
    fontSizes: { small: 12, default: 14, medium: 16, large: 18, extraLarge: 24 },
    fontWeights: { lighter: 200, default: 400, bolder: 600 },
    spacing: {
      none: 0,
      small: 8,
      default: 12,
      medium: 16,
      large: 20,
      extraLarge: 24,
      padding: 16,
    },
    separator: { lineThickness: 1, lineColor: p.line },
    containerStyles: {
      default: style(p.card),
      emphasis: style(p.emphasis),
      accent: style(p.emphasis),
      good: style(p.goodBack),
      warning: style(p.warningBack),
      attention: style(p.attentionBack),
    },
    actions: {
      maxActions: 6,
      spacing: "default",
      buttonSpacing: 8,
      actionsOrientation: "horizontal",
      actionAlignment: "left",
      showCard: { actionMode: "inline", inlineTopMargin: 16 },
    },
  };
}

export function styleSheet(theme: Theme, widthPx: number): string {
  const p = PALETTES[theme];
  return `
    body { margin: 0; background: ${p.page}; }
    #card { width: ${widthPx}px; margin: 12px; border-radius: 8px; overflow: hidden; background: ${p.card};
            box-shadow: 0 1px 3px rgba(0,0,0,.3); }
    .ac-pushButton { font: 600 14px 'Segoe UI','Liberation Sans','Noto Sans','DejaVu Sans',sans-serif; padding: 5px 12px;
      border-radius: 4px; border: 1px solid ${p.line}; background: ${p.card}; color: ${p.text};
      margin-top: 4px; }
    .ac-pushButton.style-positive { background: ${p.accent}; border-color: ${p.accent}; color: ${theme === "light" ? "#fff" : "#000"}; }
    .ac-input { font: 14px 'Segoe UI','Liberation Sans','Noto Sans','DejaVu Sans',sans-serif; padding: 6px 8px; box-sizing: border-box;
      width: 100%; border: 1px solid ${p.line}; border-radius: 4px; background: ${p.emphasis}; color: ${p.text}; }
  `;
}
