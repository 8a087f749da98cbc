/* What the page says, in each of its languages. {n} and the like are filled in. */

const WORDS = {
  en: {
    name: "English",
    search: "Search",
    searchLabel: "What to search for",
    placeholder: "A dog on a beach…",
    placeholderMore: "…and words",
    pickPicture: "Search with a picture",
    removeExample: "Take this example away",
    hint: "Drop or paste a picture to search with it",
    where: "Where to search",
    inPictures: "Pictures",
    inTexts: "Texts",
    inBoth: "Both",
    collection: "Collection",
    collections: "Collections",
    dropHere: "Drop the picture to search with it",
    everything: "Everything in here",
    resultsFor: "“{words}”",
    resultsExamples: "By your examples",
    resultsBoth: "“{words}” and your examples",
    points: { one: "{n} item", other: "{n} items" },
    results: { one: "{n} result · {ms} ms", other: "{n} results · {ms} ms" },
    truncated: "only the beginning of the text was read",
    searching: "Searching…",
    like: "More like this",
    unlike: "Less like this",
    likeShort: "More",
    unlikeShort: "Less",
    positive: "More like “{words}”",
    negative: "Less like “{words}”",
    yourPicture: "your picture",
    balance: "Words or picture: which counts more",
    balanceWords: "words",
    balancePicture: "picture",
    open: "Show “{words}”",
    score: "Similarity {score}",
    more: "Show more",
    noneTitle: "Nothing found",
    noneText: "No item has what was searched here. Try other words, fewer filters, or search in both pictures and texts.",
    emptyTitle: "Nothing in here yet",
    emptyText: "Add pictures with the button above, or a whole folder from the terminal:",
    errorTitle: "That did not work",
    offline: "The server can’t be reached. Is it still running?",
    notPicture: "“{file}” is no picture.",
    tooLarge: "“{file}” is larger than {n} MB.",
    keyAsk: "This server asks for an API key",
    keySend: "Go on",
    untitled: "Item {id}",
    theme: "Colours: {theme}",
    themeAuto: "as the system has them",
    themeLight: "light",
    themeDark: "dark",
    filters: "Filters",
    filtersNone: "These items have no fields to filter by.",
    clearFilters: "Clear all",
    removeFilter: "Remove the filter {words}",
    from: "from",
    to: "to",
    contains: "contains the words",
    yes: "yes",
    no: "no",
    moreValues: "More…",
    close: "Close",
    previous: "Previous",
    next: "Next",
    details: "Details",
    id: "Id",
    copy: "Copy",
    copied: "Copied",
    file: "File",
    addPictures: "Add pictures",
    addTo: "Add pictures to “{name}”",
    choosePictures: "Choose pictures",
    dropOrChoose: "Drop pictures here, or choose them",
    caption: "Caption of {file}",
    captionHere: "Caption (optional)",
    addNow: { one: "Add {n} picture", other: "Add {n} pictures" },
    waiting: "waiting",
    sending: "{percent} %",
    reading: "being read…",
    added: "added",
    allAdded: { one: "{n} picture added", other: "{n} pictures added" },
    someFailed: { one: "{n} could not be added", other: "{n} could not be added" },
    cannotAdd: "“{name}” holds vectors made elsewhere: pictures cannot be added here.",
    newCollection: "Name of a new collection",
    create: "Create",
    remove: "Delete",
    removeAsk: "Delete “{name}” and all in it? Type its name to be sure.",
    plainVectors: "vectors made elsewhere",
    keysTitle: "Keys",
    keysSearch: "search",
    keysMove: "go through the results",
    keysOpen: "show one",
    keysLike: "more like it, less like it",
    keysFilters: "filters",
    keysHelp: "this list",
  },
  zh: {
    name: "简体中文",
    search: "搜索",
    searchLabel: "搜索内容",
    placeholder: "沙滩上的一只狗…",
    placeholderMore: "…再加上文字",
    pickPicture: "用图片搜索",
    removeExample: "移除这个示例",
    hint: "拖入或粘贴图片即可以图搜图",
    where: "搜索范围",
    inPictures: "图片",
    inTexts: "文字",
    inBoth: "全部",
    collection: "集合",
    collections: "集合",
    dropHere: "松开鼠标，用这张图片搜索",
    everything: "全部内容",
    resultsFor: "“{words}”",
    resultsExamples: "按示例查找",
    resultsBoth: "“{words}”与示例",
    points: { one: "{n} 项", other: "{n} 项" },
    results: { one: "{n} 个结果 · {ms} 毫秒", other: "{n} 个结果 · {ms} 毫秒" },
    truncated: "文字过长，只读取了开头部分",
    searching: "正在搜索…",
    like: "更像这个",
    unlike: "少像这个",
    likeShort: "更像",
    unlikeShort: "少像",
    positive: "更像“{words}”",
    negative: "少像“{words}”",
    yourPicture: "您的图片",
    balance: "文字与图片哪个更重要",
    balanceWords: "文字",
    balancePicture: "图片",
    open: "查看“{words}”",
    score: "相似度 {score}",
    more: "显示更多",
    noneTitle: "没有找到",
    noneText: "所选范围内没有相符的内容。请换个说法、减少筛选条件，或在全部范围内搜索。",
    emptyTitle: "这里还没有内容",
    emptyText: "用上方的按钮添加图片，或在终端添加整个文件夹：",
    errorTitle: "出错了",
    offline: "无法连接服务器，它还在运行吗？",
    notPicture: "“{file}”不是图片。",
    tooLarge: "“{file}”超过 {n} MB。",
    keyAsk: "此服务器需要 API 密钥",
    keySend: "继续",
    untitled: "第 {id} 项",
    theme: "配色：{theme}",
    themeAuto: "跟随系统",
    themeLight: "浅色",
    themeDark: "深色",
    filters: "筛选",
    filtersNone: "这些内容没有可筛选的字段。",
    clearFilters: "全部清除",
    removeFilter: "移除筛选条件 {words}",
    from: "从",
    to: "到",
    contains: "包含词语",
    yes: "是",
    no: "否",
    moreValues: "更多…",
    close: "关闭",
    previous: "上一项",
    next: "下一项",
    details: "详情",
    id: "编号",
    copy: "复制",
    copied: "已复制",
    file: "文件",
    addPictures: "添加图片",
    addTo: "添加图片到“{name}”",
    choosePictures: "选择图片",
    dropOrChoose: "将图片拖到此处，或选择图片",
    caption: "{file} 的说明",
    captionHere: "说明（可不填）",
    addNow: { one: "添加 {n} 张图片", other: "添加 {n} 张图片" },
    waiting: "等待中",
    sending: "{percent} %",
    reading: "正在读取…",
    added: "已添加",
    allAdded: { one: "已添加 {n} 张图片", other: "已添加 {n} 张图片" },
    someFailed: { one: "{n} 张未能添加", other: "{n} 张未能添加" },
    cannotAdd: "“{name}”存放的是外部生成的向量，不能在此添加图片。",
    newCollection: "新集合的名称",
    create: "创建",
    remove: "删除",
    removeAsk: "要删除“{name}”及其全部内容吗？请输入名称以确认。",
    plainVectors: "外部生成的向量",
    keysTitle: "快捷键",
    keysSearch: "搜索",
    keysMove: "浏览结果",
    keysOpen: "查看一项",
    keysLike: "更像它、少像它",
    keysFilters: "筛选",
    keysHelp: "显示此列表",
  },
};

let language = "en";

export const locale = () => (language === "zh" ? "zh-Hans" : "en");

/* The words of `key` in the page's language; numbers are written as it writes them. */
export function say(key, values = {}) {
  let text = WORDS[language][key];
  if (typeof text === "object") {
    text = text[values.n === 1 ? "one" : "other"];
  }
  return text.replace(/\{(\w+)\}/g, (whole, name) =>
    typeof values[name] === "number" ? values[name].toLocaleString(locale()) : values[name] ?? whole);
}

/* Puts words into every element of `root` that asks for them by data-word (its text),
 * data-label (its accessible name and tooltip) or data-hint (its placeholder). */
export function sayAll(root = document) {
  for (const element of root.querySelectorAll("[data-word]")) {
    element.textContent = say(element.dataset.word);
  }
  for (const element of root.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", say(element.dataset.label));
    element.title = say(element.dataset.label);
  }
  for (const element of root.querySelectorAll("[data-hint]")) {
    element.placeholder = say(element.dataset.hint);
  }
}

/* The one chosen last, else the browser's. */
export function startLanguage() {
  const wanted = localStorage.getItem("language") ?? navigator.language.slice(0, 2);
  language = wanted in WORDS ? wanted : "en";
  document.documentElement.lang = locale();
}

/* The other language. */
export function switchLanguage() {
  language = language === "en" ? "zh" : "en";
  localStorage.setItem("language", language);
  document.documentElement.lang = locale();
}

export const otherLanguage = () =>
  language === "en" ? { name: WORDS.zh.name, lang: "zh-Hans" } : { name: WORDS.en.name, lang: "en" };

export const isChinese = () => language === "zh";
